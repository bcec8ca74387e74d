"""Who may do what: accounts and roles, tokens for programs, the owner's preferences, and the log of what was done."""

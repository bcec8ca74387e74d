"""Each file is a command."""

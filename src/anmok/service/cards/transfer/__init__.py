"""Cards as files: CSV for spreadsheets, JSON for programs; read whole, checked whole, taken whole or not at all.

``content`` is what a card holds, without a database; ``table`` and ``document`` read and write it; ``checking`` makes
sentences of what is wrong; ``importing`` holds a file against the database, says what would change, and changes it.
"""

"""The whole service in one file, and back: database, photos, key. The same file fits SQLite and MariaDB.

``rows`` reads and writes tables, ``archive`` is the file, ``making`` and ``restoring`` are the two ways.
"""

"""``python -m anmok``: the same as the command ``anmok``."""

from anmok.cli import main

main()

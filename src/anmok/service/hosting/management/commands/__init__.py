"""Each module is one command of ``anmok manage``."""

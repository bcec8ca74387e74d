"""A trained run becomes one file that carries everything an answer needs: ``*.anmok``."""

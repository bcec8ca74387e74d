"""Anmok (안목, "a discerning eye"): which model recognises these pictures, and how far can I trust it?"""

__version__ = "0.1.0.dev0"

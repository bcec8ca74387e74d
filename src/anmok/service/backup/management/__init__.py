"""Commands of `anmok manage`."""

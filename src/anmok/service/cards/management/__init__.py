"""Commands of the cards for `anmok manage`."""

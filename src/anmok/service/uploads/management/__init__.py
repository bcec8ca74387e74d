"""Commands of the uploads for `anmok manage`."""

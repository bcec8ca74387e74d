"""Commands of `anmok manage` about accounts."""

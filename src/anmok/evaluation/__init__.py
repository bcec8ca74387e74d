"""How good is it, and how sure are we: a predictor measured on a split, runs compared."""

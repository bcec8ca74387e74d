"""Photos that visitors gave: kept without metadata, with what the model said of them."""

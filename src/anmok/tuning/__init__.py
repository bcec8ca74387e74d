"""Search for better settings of a recipe: what may vary, which trials were made, which is the best."""

"""Where in a picture something is: boxes, a detector that learns them, and how well it does."""

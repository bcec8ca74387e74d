"""Pictures come in here: sources, readers, the manifest, splits, the built-in sample."""

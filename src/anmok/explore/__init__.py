"""Tables about a manifest: what its pictures are like, by class and by split, and what stands out."""

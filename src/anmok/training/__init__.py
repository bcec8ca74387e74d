"""How a model is trained: the loop, heads on vectors, augmentation, the run folder."""

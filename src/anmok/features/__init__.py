"""Pictures become vectors here, once: the engine, the cache, the hand-made features."""

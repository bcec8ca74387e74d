"""What can be trained: the registry, the networks, weight packs and backbones."""

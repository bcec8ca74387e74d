"""Networks that are trained from scratch, in PyTorch: ``base`` says what a network is, each other file has some."""

from __future__ import annotations

from anmok.models.networks.base import Network, get_network, network_names, register_network
from anmok.models.networks.small import SmallCNN

__all__ = ["Network", "SmallCNN", "get_network", "network_names", "register_network"]

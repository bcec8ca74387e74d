"""Servers on loopback that speak the API of each source as its documentation has it, with real faults to order."""

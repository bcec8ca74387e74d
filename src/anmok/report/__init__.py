"""Draws stored results as one HTML file; computes nothing."""

"""Tests of measuring and comparing."""

"""Iterate over several listings at the same time."""

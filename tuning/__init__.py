"""Searches with keras-tuner over each method's own `search_space`."""

"""Figures of what a model has learnt and how it got there. No TensorFlow needed."""

from zoo.reporting.animation import traversal_gif
from zoo.reporting.figures import information, reconstructions, traversal
from zoo.reporting.plots import curves
from zoo.reporting.sheet import save, to_array

__all__ = [
    "curves",
    "information",
    "reconstructions",
    "save",
    "to_array",
    "traversal",
    "traversal_gif",
]

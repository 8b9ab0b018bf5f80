"""Figures of what a model has learnt and how it got there. No TensorFlow needed."""

from zoo.reporting.animation import traversal_gif
from zoo.reporting.cosines import similarities
from zoo.reporting.embeddings import embedding
from zoo.reporting.figures import information, neighbours, reconstructions, traversal, views
from zoo.reporting.matrices import confusion_matrix, correlation_matrix
from zoo.reporting.plots import curves
from zoo.reporting.sheet import save, to_array

__all__ = [
    "confusion_matrix",
    "correlation_matrix",
    "curves",
    "embedding",
    "information",
    "neighbours",
    "reconstructions",
    "save",
    "similarities",
    "to_array",
    "traversal",
    "traversal_gif",
    "views",
]

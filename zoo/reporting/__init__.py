"""Figures of what a model has learnt and how it got there. No TensorFlow needed."""

from zoo.reporting.animation import edits_gif, traversal_gif
from zoo.reporting.cosines import similarities
from zoo.reporting.edits import edits
from zoo.reporting.embeddings import embedding
from zoo.reporting.figures import information, neighbours, reconstructions, traversal, views
from zoo.reporting.matrices import class_similarities, confusion_matrix, correlation_matrix
from zoo.reporting.plots import curves
from zoo.reporting.resolved import resolved_labels
from zoo.reporting.sheet import save, to_array
from zoo.reporting.subspaces import subspace_factors, subspace_neighbours, swaps

__all__ = [
    "class_similarities",
    "confusion_matrix",
    "correlation_matrix",
    "curves",
    "edits",
    "edits_gif",
    "embedding",
    "information",
    "neighbours",
    "reconstructions",
    "resolved_labels",
    "save",
    "similarities",
    "subspace_factors",
    "subspace_neighbours",
    "swaps",
    "to_array",
    "traversal",
    "traversal_gif",
    "views",
]

"""Callbacks for `fit`: scores, exact resume, pictures, similarities, progress."""

from zoo.callbacks.disentanglement_metrics import DisentanglementMetrics
from zoo.callbacks.pictures import Pictures
from zoo.callbacks.progress import ProgressLines
from zoo.callbacks.resume import Resume
from zoo.callbacks.similarities import Similarities

__all__ = ["DisentanglementMetrics", "Pictures", "ProgressLines", "Resume", "Similarities"]

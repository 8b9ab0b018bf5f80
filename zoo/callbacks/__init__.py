"""Callbacks for `fit`: scores, exact resume, pictures, progress."""

from zoo.callbacks.disentanglement_metrics import DisentanglementMetrics
from zoo.callbacks.pictures import Pictures
from zoo.callbacks.progress import ProgressLines
from zoo.callbacks.resume import Resume

__all__ = ["DisentanglementMetrics", "Pictures", "ProgressLines", "Resume"]

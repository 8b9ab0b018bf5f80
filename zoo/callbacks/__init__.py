"""Callbacks for `fit`: scores, collapse, similarities, pictures, progress, exact resume."""

from zoo.callbacks.collapse import Collapse
from zoo.callbacks.disambiguation import Disambiguation
from zoo.callbacks.disentanglement_metrics import DisentanglementMetrics
from zoo.callbacks.pictures import Pictures
from zoo.callbacks.probes import KNNProbe, LinearProbe
from zoo.callbacks.progress import ProgressLines
from zoo.callbacks.resume import Resume
from zoo.callbacks.scores import Scores
from zoo.callbacks.similarities import Similarities

__all__ = [
    "Collapse",
    "Disambiguation",
    "DisentanglementMetrics",
    "KNNProbe",
    "LinearProbe",
    "Pictures",
    "ProgressLines",
    "Resume",
    "Scores",
    "Similarities",
]

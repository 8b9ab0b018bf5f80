"""Scores of a representation: functions of (codes, factors) arrays. No TensorFlow needed.

One file a metric. A function that is listed here, takes `(codes, factors, ...)` and returns a
float is a score: `evaluate`, the training callback and the command line find it by its name.
"""

from zoo.metrics.mig import mig
from zoo.metrics.mutual_information import mutual_information
from zoo.metrics.sap import sap
from zoo.metrics.scoring import Pool, Score, evaluate, score_codes, scores

__all__ = [
    "Pool",
    "Score",
    "evaluate",
    "mig",
    "mutual_information",
    "sap",
    "score_codes",
    "scores",
]

"""Covering rate: how often does the predicted label lie among the candidates?

Wang et al., "Realistic Evaluation of Deep Partial-Label Learning Algorithms" (PLENCH), ICLR 2025
(https://arxiv.org/abs/2502.10184). With S_i the candidate labels of image i and p_i the
probabilities that a model gives its classes,

    CR = 1/N sum_i [ argmax_j p_ij in S_i ].

It takes no true label, so a model can be chosen by it where none is known: the zoo's criterion of
model selection for data with candidates, taken of images that were held out of training. It rises
with the accuracy A. Where other labels join a set with probability q, whatever the image,
its mean is A + (1 - A) q: of two models the more accurate one covers more, by (1 - q) times the
difference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo.metrics.arrays import checked_candidates


def covering_rate(probabilities: ArrayLike, candidates: ArrayLike) -> float:
    """The share of images whose most probable class is one of their candidates.

    A model that was trained on these candidates covers them by rote: take held-out images.

    Args:
        probabilities: (N, C) real numbers; only their order in a row matters. Of equal ones the
            first counts.
        candidates: (N, C) of 0 and 1, or of truth values.

    Returns:
        In [0, 1].

    Raises:
        ValueError: Other shapes, no rows, NaN or infinity, or candidates of other values.

    Example:
        >>> covering_rate([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]], [[1, 1, 0], [1, 0, 1]])
        0.5
    """
    p, sets = checked_candidates(probabilities, candidates)
    return float(sets[np.arange(len(p)), p.argmax(axis=1)].mean())

"""How much of the differences between trials each of what is varied accounts for.

A forest learns the objective from what was tried; what it loses when a knob's values are shuffled
among the trials is that knob's importance (Breiman, Random Forests, 2001, section 10). Trials that
a tree has not seen tell how far the forest is to be believed.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo import checks

FEWEST = 6  # trials of which a forest can tell anything
TREES, REPEATS = 100, 10


@dataclasses.dataclass(frozen=True, eq=False)
class Importance:
    """What a forest tells of K knobs.

    Attributes:
        means: (K,) the share of the variance of the objective that is lost without each knob, at
            least about 0; above 1 where the forest then does worse than a constant.
        deviations: (K,) of these, over shuffles.
        explained: The share of the variance that the forest foretells of trials it has not seen,
            1 at most; below 0 it does worse than a constant.
    """

    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    explained: float


def importance(values: ArrayLike, scores: ArrayLike, seed: int = 0) -> Importance:
    """The importance of each knob.

    Args:
        values: (N, K) of what is varied; their scales do not matter.
        scores: (N,) finite numbers, the objective of each trial.
        seed: Of the forest and the shuffles.

    Raises:
        ValueError: Fewer than 6 trials, or numbers that do not fit.

    Example:
        >>> x = np.random.default_rng(0).random((40, 2))
        >>> importance(x, x[:, 0]).means.argmax()
        np.int64(0)
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    x, y = np.asarray(values, dtype=float), np.asarray(scores, dtype=float)
    checks.integer("trials", len(y), low=FEWEST)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(
            f"Expected values (N, K) and scores (N,). Received: {x.shape} and {y.shape}."
        )
    forest = RandomForestRegressor(TREES, random_state=seed, oob_score=True).fit(x, y)
    shuffled = permutation_importance(forest, x, y, n_repeats=REPEATS, random_state=seed)
    return Importance(shuffled.importances_mean, shuffled.importances_std, float(forest.oob_score_))

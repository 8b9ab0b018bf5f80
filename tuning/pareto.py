"""Two aims at once: the trials that no other beats in both, and the one where the trade turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tuning.objectives import Direction, Objective
from tuning.study import Trial, best_of

PICKS = ("best", "knee")


def front(points: ArrayLike, directions: Sequence[Direction]) -> NDArray[np.intp]:
    """The points that no other beats: as good in every aim, and better in one.

    Args:
        points: (N, A) finite numbers.
        directions: For each of A aims "max" or "min".

    Returns:
        Their rows, in the order of the first aim, its best first; of equal points all.

    Example:
        >>> front([[0.1, 10.0], [0.3, 20.0], [0.2, 30.0]], ("max", "min"))
        array([1, 0])
    """
    costs = _costs(points, directions)
    no_worse = (costs[:, None] <= costs[None]).all(axis=2)
    better = (costs[:, None] < costs[None]).any(axis=2)
    kept = np.flatnonzero(~(no_worse & better).any(axis=0))
    return kept[np.lexsort((kept, costs[kept, 0]))]


def knee(points: ArrayLike, directions: Sequence[Direction]) -> int:
    """The point of the front where more of one aim begins to cost much of the other.

    It is the one that bulges farthest beyond the straight line between the ends of the front, both
    aims scaled to 0..1 (Das, "On characterizing the 'knee' of the Pareto curve based on
    normal-boundary intersection", 1999). Of a front that does not bulge it is the best in the first
    aim.

    Args:
        points: (N, 2) finite numbers, N at least 1.
        directions: For both aims "max" or "min".

    Returns:
        Its row.

    Example:
        >>> knee([[0.30, 90.0], [0.28, 40.0], [0.10, 30.0], [0.2, 80.0]], ("max", "min"))
        1
    """
    rows = front(points, directions)
    costs = _costs(points, directions)[rows]
    span = np.ptp(costs, axis=0)
    scaled = (costs - costs.min(axis=0)) / np.where(span > 0, span, 1)
    return (
        int(rows[np.argmax(np.round(1 - scaled.sum(axis=1), 12))]) if span.all() else int(rows[0])
    )


def _costs(points: ArrayLike, directions: Sequence[Direction]) -> NDArray[np.float64]:
    signs = [-1.0 if direction == "max" else 1.0 for direction in directions]
    return np.asarray(points, dtype=float) * signs


def comparable(trials: Sequence[Trial], aims: Sequence[Objective]) -> list[Trial]:
    """The finished trials that have a value of each aim, of the longest that there are."""
    finished = [trial for trial in trials if trial.status == "finished"]
    longest = max((trial.epochs for trial in finished), default=0)
    return [
        trial
        for trial in finished
        if trial.epochs == longest
        and {aim.score for aim in aims} <= {*trial.known}
        and np.isfinite(_point(trial, aims)).all()
    ]


def front_of(trials: Sequence[Trial], aims: tuple[Objective, Objective]) -> list[Trial]:
    """The trials that no other beats in both aims, by the means of their seeds."""
    kept = comparable(trials, aims)
    if not kept:
        return []
    points = [_point(trial, aims) for trial in kept]
    return [kept[row] for row in front(points, [aim.direction for aim in aims])]


def picked(trials: Sequence[Trial], aims: tuple[Objective, Objective], pick: str) -> Trial:
    """The trial of a study that is asked for.

    Args:
        trials: Those that have ended.
        aims: The objective, and what it is weighed against.
        pick: "best" in the first aim; "knee" of the front of both; or the number of a trial.

    Raises:
        ValueError: There is none of that kind.
    """
    if pick == "best":
        best = best_of(trials, aims[0])
        if best is None:
            raise ValueError("Expected a study with a finished trial. Received: none finished.")
        return best
    if pick == "knee":
        kept = comparable(trials, aims)
        if not kept:
            raise ValueError(
                f"Expected a study with a finished trial that has {aims[0].name} and "
                f"{aims[1].name}. Received: none."
            )
        points = [_point(trial, aims) for trial in kept]
        return kept[knee(points, [aim.direction for aim in aims])]
    by_name = {trial.number: trial for trial in trials}
    found = by_name.get(int(pick)) if pick.isdecimal() else None
    if found is None:
        known = ", ".join([*PICKS, *(trial.name for trial in trials)])
        raise ValueError(f"Expected one of: {known}. Received: {pick!r}.")
    return found


def _point(trial: Trial, aims: Sequence[Objective]) -> list[float]:
    return [trial.mean(aim.score) for aim in aims]

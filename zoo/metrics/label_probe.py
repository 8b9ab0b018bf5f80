"""Label probe: how well can the codes be read with few labels?

The semi-supervised protocol by which self-supervised encoders are compared (Chen et al. 2020,
section 6), on frozen codes: the linear probe of `linear_probe`, fitted to 1 % and to 10 % of the
labels, its strength searched on a fifth of those alone.
"""

from __future__ import annotations

from typing import NamedTuple

from numpy.typing import ArrayLike

from zoo.metrics.linear_probe import linear_probe


class LabelProbe(NamedTuple):
    """Accuracies in [0, 1] with 1 % and with 10 % of the labels of each class."""

    one_percent: float
    ten_percent: float


SHARES = LabelProbe(one_percent=0.01, ten_percent=0.1)


def label_probe(
    codes: ArrayLike,
    labels: ArrayLike,
    test_codes: ArrayLike | None = None,
    test_labels: ArrayLike | None = None,
    seed: int = 0,
) -> LabelProbe:
    """The accuracy of a linear classifier on all code dimensions that sees few of the labels.

    Of each class 1 % (or 10 %) of the labels are seen, rounded down, but one at least: of 1,000
    samples of ten classes one label a class. Where there is one a class, the strength of the
    penalty cannot be searched, and is 0.1.

    Args:
        codes: (N, L) real numbers, of which some are fitted to.
        labels: (N,) integers, of at least two classes.
        test_codes: (M, L). Without them a fifth of each class is kept out of fitting for it.
        test_labels: (M,). A class that `labels` lacks is never predicted.
        seed: Draws the splits, and the labels that are seen.

    Returns:
        Both accuracies.

    Raises:
        ValueError: As `linear_probe`.

    Example:
        >>> import numpy as np
        >>> labels = np.arange(100) % 5
        >>> label_probe(codes=np.eye(5)[labels], labels=labels)
        LabelProbe(one_percent=1.0, ten_percent=1.0)
    """
    return LabelProbe(
        *(
            linear_probe(codes, labels, test_codes, test_labels, label_share=share, seed=seed)
            for share in SHARES
        )
    )

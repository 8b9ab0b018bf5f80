"""Alignment: how close an encoder puts two views of one image.

Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and Uniformity
on the Hypersphere", ICML 2020 (https://arxiv.org/abs/2005.10242), section 4.1. With f(x) and f(y)
the unit-length features of two views,

    L_align = E[ |f(x) - f(y)|^alpha ],   alpha = 2
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo import checks
from zoo.metrics.arrays import checked_codes, unit


def alignment(za: ArrayLike, zb: ArrayLike, alpha: float = 2.0) -> float:
    """The mean distance of two views of an image on the unit sphere, to the power of alpha.

    0 where the views coincide, as those of a collapsed encoder do too: it means something beside
    `uniformity` only. For alpha 2 it is 2 - 2 times the mean cosine: 2 for views that have nothing
    to do with one another. It takes two tables, so it is no score of a single one.

    Args:
        za: (N, D) real numbers, codes or projections of one view. The length of a row does not
            matter; a row of zeros stays one.
        zb: (N, D), of the other view of the same images, in the same order.
        alpha: Above 0.

    Returns:
        A number in [0, 2^alpha]: the lower, the closer.

    Raises:
        ValueError: A wrong rank, NaN or infinity, shapes that differ, alpha of 0 or less.

    Example:
        >>> round(alignment(za=[[1.0, 0.0], [0.0, 1.0]], zb=[[5.0, 0.0], [1.0, 0.0]]), 6)
        1.0
    """
    alpha = checks.positive("alpha", alpha)
    a, b = checked_codes(za, name="za"), checked_codes(zb, name="zb")
    checks.alike(za=a, zb=b)
    distances = np.linalg.norm(unit(a.astype(np.float64)) - unit(b.astype(np.float64)), axis=1)
    return float(np.mean(distances**alpha))

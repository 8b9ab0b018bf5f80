"""Multinomial logistic regression on all code dimensions at once, for the metrics that ask it.

One classifier over K classes with weights W (K, L) and biases b, which are not regularised:

    log p(k | z) = W_k z + b_k - log sum_l exp(W_l z + b_l)
    minimise  sum_i -log p(y_i | z_i)  +  1/(2C) |W|^2
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Fits within it do not warn that L-BFGS ran out of steps, or that classes are many."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes")  # they are classes
        yield


def log_probabilities(
    z: NDArray[np.float64],
    y: NDArray[np.intp],
    test_z: NDArray[np.float64],
    C: float = 1.0,
    steps: int = 1000,
) -> NDArray[np.float64]:
    """Fits a classifier and gives the logarithms of its predictions.

    Args:
        z: (N, L) standardised codes to fit on.
        y: (N,) classes 0 to K - 1, each of them present, K at least 2.
        test_z: (M, L) codes to predict for.
        C: The weight of the errors against the regulariser; infinite for none.
        steps: After how many steps L-BFGS stops, converged or not. With a regulariser some fifty
            are usual; without one, classes that lines can separate have no minimum to arrive at.

    Returns:
        (M, K) natural logarithms of probabilities.

    Example:
        >>> z = np.array([[-1.0], [1.0]])
        >>> np.exp(log_probabilities(z, np.array([0, 1]), z)).round(3)
        array([[0.663, 0.337],
               [0.337, 0.663]])
    """
    # Imported here: half a second, which `zoo --help` must not take.
    from scipy.special import log_softmax
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # Products of ten columns are too small to share out: with a thread a core, the threads spend
    # five times the work waiting for one another.
    with threadpool_limits(1, user_api="blas"), quiet():
        machine = LogisticRegression(C=C, max_iter=steps).fit(z, y)
    evidence = machine.decision_function(test_z)
    if evidence.ndim == 1:  # of two classes scikit-learn gives the second's lead
        evidence = np.stack([np.zeros_like(evidence), evidence], axis=1)
    return log_softmax(evidence, axis=1)

"""Linear classifiers of one number, one against the rest: what SAP asks of each code dimension.

With one input x a class's machine has two unknowns, slope w and bias b, and predicts the class k
whose w_k x + b_k is greatest. As in liblinear (Fan et al. 2008, JMLR 9:1871-1874), the bias is
the weight of a constant feature and is regularised like the slope; with s_i = 1 for samples of
the class and -1 for the rest, the machine minimises

    1/2 (w^2 + b^2) + sum_i C_i max(0, 1 - s_i (w x_i + b))^2          (squared hinge: the SVM)
    1/2 (w^2 + b^2) + C sum_i log(1 + exp(-s_i (w x_i + b)))           (logistic regression)

Both are convex, and Newton's method in two unknowns needs a handful of steps, all classes at
once. The SVM's sums need no pass over the samples: those with an active hinge are the ones on one
side of a threshold, and once x is sorted their sums of 1, x and x^2 are differences of cumulative
sums. That is what makes SAP cheap enough to follow during training: liblinear makes a pass for
every step of every class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# An objective takes (2, K) slopes and biases, one column a class, and returns the K values, the
# (2, K) gradients and the K Hessians as their three distinct entries (3, K): ww, wb, bb.
Objective = Callable[[Floats], tuple[Floats, Floats, Floats]]

# Newton's method stops when no class can gain this share of its objective. Quadratic convergence
# makes the step that passes this test exact for every practical purpose.
TOLERANCE = 1e-14
MOST_STEPS = 100  # ten are usual


@dataclass(frozen=True, eq=False)
class Machines:
    """One linear machine a class: class k's evidence in x is slope[k] * x + bias[k].

    Attributes:
        slope: (K,) float64.
        bias: (K,) float64.
    """

    slope: Floats
    bias: Floats

    def predict(self, x: NDArray[Any]) -> NDArray[np.intp]:
        """The class with the most evidence, (N,) integers 0 to K - 1, for (N,) inputs.

        Example:
            >>> Machines(np.array([-1.0, 1.0]), np.zeros(2)).predict(np.array([-3.0, 4.0]))
            array([0, 1])
        """
        evidence = np.outer(x, self.slope)
        evidence += self.bias
        return np.argmax(evidence, axis=1)


def fit_svm(x: NDArray[Any], y: NDArray[np.intp], K: int, C: float = 0.01) -> Machines:
    """Linear support vector machines with squared hinge and balanced class weights.

    The minimum that `sklearn.svm.LinearSVC(C=C, class_weight="balanced")` approaches. Balanced
    means that class k weighs N / (K N_k). liblinear, one against the rest, applies that weight to
    the class itself and leaves the rest at C; where there are only two classes each has its own.

    Args:
        x: (N,) inputs.
        y: (N,) classes 0 to K - 1, each of them present.
        K: The number of classes, at least 2.
        C: The weight of the errors against the regulariser. disentanglement_lib uses 0.01.

    Returns:
        The K machines. With two classes the first mirrors the second, LinearSVC's only one.

    Example:
        >>> fit_svm(np.array([-1.0, 1.0]), np.array([0, 1]), K=2).slope.round(3)
        array([-0.038,  0.038])
    """
    N_k = np.bincount(y, minlength=K)
    C_class = C * len(y) / (K * N_k)
    C_rest = C_class[::-1] if K == 2 else np.full(K, C)

    order = np.argsort(x)
    x, y = x[order].astype(np.float64), y[order]
    members = np.argsort(y, kind="stable")  # class after class, and by x within each
    starts = np.cumsum(N_k) - N_k
    # A member's class and its rank in x as one ascending number: one search in it tells how many
    # members of each class are among the first so many samples.
    ranks = y[members] * (len(x) + 1) + members
    first_rank = np.arange(K) * (len(x) + 1)

    powers = np.stack([np.ones_like(x), x, x**2])
    below_all = _cumulative(powers)
    below_member = _cumulative(powers[:, members])
    total_all = below_all[:, -1:]
    total_class = below_member[:, starts + N_k] - below_member[:, starts]

    def active_sums(w: Floats, b: Floats) -> tuple[Floats, Floats]:
        """Sums of 1, x, x^2 over the samples with w x + b < 1: (3, K) of the class, of the rest."""
        with np.errstate(divide="ignore", invalid="ignore"):  # w = 0: all are active, or none
            position = np.searchsorted(x, (1 - b) / w)
        in_all = below_all[:, position]
        in_class = below_member[:, np.searchsorted(ranks, first_rank + position)]
        in_class = in_class - below_member[:, starts]
        falling = np.signbit(w)  # the active samples are above the threshold then
        in_all = np.where(falling, total_all - in_all, in_all)
        in_class = np.where(falling, total_class - in_class, in_class)
        return in_class, in_all - in_class

    def objective(machines: Floats) -> tuple[Floats, Floats, Floats]:
        value, gradient, hessian = _regulariser(machines)
        # The rest wants -(w x + b) > 1: to it the machine is (-w, -b).
        for s, C_s, sums in (
            (1, C_class, active_sums(*machines)[0]),
            (-1, C_rest, active_sums(*-machines)[1]),
        ):
            S0, S1, S2 = sums
            # Over the active samples, sum (1 - s (w x + b))^2 = sum (free - slope x)^2.
            slope, free = s * machines[0], 1 - s * machines[1]
            value += C_s * (free**2 * S0 - 2 * free * slope * S1 + slope**2 * S2)
            gradient -= 2 * s * C_s * np.stack([free * S1 - slope * S2, free * S0 - slope * S1])
            hessian += 2 * C_s * np.stack([S2, S1, S0])
        return value, gradient, hessian

    return _newton(objective, K)


def fit_logistic(x: NDArray[Any], y: NDArray[np.intp], K: int, C: float = 0.1) -> Machines:
    """Logistic regressions, one class against the rest.

    The minimum that scikit-learn's `OneVsRestClassifier(LogisticRegression(C=C,
    solver="liblinear"))` approaches.

    Args:
        x: (N,) inputs.
        y: (N,) classes 0 to K - 1.
        K: The number of classes, at least 2.
        C: The weight of the errors against the regulariser.

    Returns:
        The K machines.

    Example:
        >>> fit_logistic(np.array([-1.0, 1.0]), np.array([0, 1]), K=2).slope.round(3)
        array([-0.095,  0.095])
    """
    x = x.astype(np.float64)
    powers = np.stack([np.ones_like(x), x, x**2])
    is_class = (y == np.arange(K)[:, None]).astype(np.float64)  # (K, N)

    def objective(machines: Floats) -> tuple[Floats, Floats, Floats]:
        value, gradient, hessian = _regulariser(machines)
        w, b = machines[:, :, None]
        evidence = w * x + b
        small = np.exp(-np.abs(evidence))  # never overflows
        # sum log(1 + exp(-s e)) = sum log(1 + exp(e)) - sum of e over the class
        value += C * np.sum(np.log1p(small) + np.maximum(evidence, 0) - is_class * evidence, axis=1)
        probability = np.where(evidence >= 0, 1, small) / (1 + small)
        S0, S1 = powers[:2] @ (probability - is_class).T
        gradient += C * np.stack([S1, S0])
        S0, S1, S2 = powers @ (probability * (1 - probability)).T
        hessian += C * np.stack([S2, S1, S0])
        return value, gradient, hessian

    return _newton(objective, K)


def _cumulative(values: Floats) -> Floats:
    """(3, N + 1) sums over the first 0 to N of (3, N) values."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _regulariser(machines: Floats) -> tuple[Floats, Floats, Floats]:
    """1/2 (w^2 + b^2) with its gradient and Hessian."""
    hessian = np.array([[1.0], [0.0], [1.0]]).repeat(machines.shape[1], axis=1)
    return np.sum(machines**2, axis=0) / 2, machines.copy(), hessian


def _newton(objective: Objective, K: int) -> Machines:
    """Minimises K convex functions of two unknowns at once, by Newton's method with halving."""
    machines = np.zeros((2, K))
    value, gradient, hessian = objective(machines)
    for _ in range(MOST_STEPS):
        ww, wb, bb = hessian
        # The regulariser keeps the determinant above 1.
        step = np.stack([bb * gradient[0] - wb * gradient[1], ww * gradient[1] - wb * gradient[0]])
        step /= ww * bb - wb**2
        gain = np.sum(gradient * step, axis=0)
        if np.all(gain <= TOLERANCE * value):
            break
        share = np.ones(K)
        while True:
            trial = machines - share * step
            trial_value, gradient, hessian = objective(trial)
            # At the minimum rounding may raise the value: that is no reason to halve the step.
            poor = trial_value > value * (1 + 1e-12) - 1e-4 * share * gain
            if not poor.any():
                break
            share[poor] /= 2
        machines, value = trial, trial_value
    return Machines(slope=machines[0], bias=machines[1])

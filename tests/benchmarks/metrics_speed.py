"""How fast metrics are beside the plain loops that they replace, and how equal.

    python tests/benchmarks/metrics_speed.py                       (some two minutes on two cores)

Codes of 10,000 x 10 and factors of dSprites' sizes (3, 6, 40, 32, 32), and 5,000 more to test on,
by default made here (each factor linear in one code, with noise, and five codes of noise). With
`--file FILE.npz` they are read from a file with mus_train, ys_train, mus_test and ys_test.
The two sides are timed in turn, so that both see the same state of the machine.

k-NN and the linear probe are timed beside scikit-learn's on codes of a contrastive encoder's size,
10,000 x 512 of ten classes and 2,000 more to ask about: a brute-force neighbours classifier with
the same weights, and a search of the same strengths on the same fifth, each fit begun anew in
float64.

The scores of FactorVAE and b-VAE are timed beside a loop over their batches, a batch a turn, which
draws other batches: their values differ as two seeds do. Of DCI the boosted trees of the first
factor alone are timed, and what is compared is their test accuracy: all factors take scikit-learn
minutes.

MIG: at most 15 ms, and at least 10 times as fast as `mutual_info_score` in a loop. Prints whether
both hold, and exits with 1 where one does not.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from zoo.metrics import (
    beta_vae_score,
    explicitness,
    factor_vae_score,
    knn,
    linear_probe,
    mig,
    sap,
)
from zoo.metrics.boosting import boost
from zoo.metrics.linear_probe import STRENGTHS
from zoo.splits import stratified

MOST_MIG_SECONDS = 0.015
LEAST_MIG_RATIO = 10.0


Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def made_codes(seed: int = 0) -> Arrays:
    """Codes and factors to fit on, codes and factors to test on."""
    rng = np.random.default_rng(seed)
    sizes = np.array([3, 6, 40, 32, 32])

    def draw(samples: int) -> tuple[np.ndarray, np.ndarray]:
        factors = rng.integers(0, sizes, (samples, len(sizes)))
        codes = rng.normal(size=(samples, 10))
        codes[:, :5] = 3.4 * (factors / (sizes - 1) - 0.5) + 0.2 * codes[:, :5]
        return codes.astype(np.float32), factors

    return (*draw(10_000), *draw(5_000))


def read_codes(file: str) -> Arrays:
    with np.load(file) as data:
        return data["mus_train"], data["ys_train"], data["mus_test"], data["ys_test"]


def gap(scores: np.ndarray) -> np.ndarray:
    second, first = np.sort(scores, axis=0)[-2:]
    return first - second


def scikit_mig(codes: np.ndarray, factors: np.ndarray) -> float:
    """MIG as disentanglement_lib computes it: digitize, then mutual_info_score in a loop."""
    bins = [np.digitize(z, np.histogram(z, 20)[1][:-1]) for z in codes.T]
    information = np.array([[mutual_info_score(v, c) for v in factors.T] for c in bins])
    entropies = [mutual_info_score(v, v) for v in factors.T]
    return float(np.mean(gap(information) / entropies))


def scikit_sap(
    codes: np.ndarray, factors: np.ndarray, test_codes: np.ndarray, test_factors: np.ndarray
) -> float:
    """SAP as disentanglement_lib computes it: a LinearSVC for each code and factor."""
    S = np.empty((codes.shape[1], factors.shape[1]))
    for j, k in np.ndindex(S.shape):
        machine = LinearSVC(C=0.01, class_weight="balanced")
        machine.fit(codes[:, [j]], factors[:, k])
        S[j, k] = machine.score(test_codes[:, [j]], test_factors[:, k])
    return float(np.mean(gap(S)))


def looped_factor_vae(codes: np.ndarray, factors: np.ndarray) -> float:
    """The FactorVAE score as disentanglement_lib computes it, but on batches from the samples."""
    rng = np.random.default_rng(1)
    variances = np.var(codes, axis=0, ddof=1)

    def counted(count: int) -> np.ndarray:
        votes = np.zeros((factors.shape[1], codes.shape[1]))
        for _ in range(count):
            k = rng.integers(factors.shape[1])
            value = factors[rng.integers(len(factors)), k]
            batch = codes[rng.choice(np.flatnonzero(factors[:, k] == value), 64)]
            votes[k, np.argmin(np.var(batch, axis=0, ddof=1) / variances)] += 1
        return votes

    classifier = counted(10_000).argmax(axis=0)
    return float(counted(5_000)[classifier, np.arange(codes.shape[1])].sum() / 5_000)


def looped_beta_vae(codes: np.ndarray, factors: np.ndarray) -> float:
    """The b-VAE score as disentanglement_lib computes it, but on pairs from the samples."""
    rng = np.random.default_rng(1)
    groups = [[np.flatnonzero(v == value) for value in range(v.max() + 1)] for v in factors.T]

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        points, shared = np.empty((count, codes.shape[1])), np.empty(count, int)
        for i in range(count):
            k = shared[i] = rng.integers(factors.shape[1])
            one = rng.integers(len(factors), size=64)
            mates = [groups[k][value] for value in factors[one, k]]
            other = [
                rows[int(u * len(rows))] for rows, u in zip(mates, rng.random(64), strict=True)
            ]
            points[i] = np.abs(codes[one] - codes[other]).mean(axis=0)
        return points, shared

    return float(LogisticRegression(max_iter=1000).fit(*drawn(10_000)).score(*drawn(5_000)))


def scikit_explicitness(
    codes: np.ndarray, factors: np.ndarray, test_codes: np.ndarray, test_factors: np.ndarray
) -> float:
    """Explicitness as disentanglement_lib computes it, with scikit-learn's threads as they are."""
    mean, deviation = codes.mean(axis=0), codes.std(axis=0)
    z, test_z = (codes - mean) / deviation, (test_codes - mean) / deviation
    areas = []
    for y, test_y in zip(factors.T, test_factors.T, strict=True):
        machine = LogisticRegression(max_iter=1000).fit(z, y)
        is_class = test_y[:, None] == machine.classes_
        areas.append(roc_auc_score(is_class, machine.predict_proba(test_z)))
    return float(np.mean(areas))


def first_factor(boost: Callable[..., float], *arrays: np.ndarray) -> float:
    """The test accuracy of boosted trees for one factor."""
    codes, factors, test_codes, test_factors = arrays
    return boost(codes, factors[:, 0], test_codes, test_factors[:, 0])


def our_boost(z: np.ndarray, y: np.ndarray, test_z: np.ndarray, test_y: np.ndarray) -> float:
    return float(np.mean(boost(z, y, test_z).predicted == test_y))


def scikit_boost(z: np.ndarray, y: np.ndarray, test_z: np.ndarray, test_y: np.ndarray) -> float:
    return float(GradientBoostingClassifier(random_state=0).fit(z, y).score(test_z, test_y))


def made_features(seed: int = 0) -> Arrays:
    """Features as a ReLU leaves them, with a class each, to fit on and to test on."""
    rng = np.random.default_rng(seed)
    centres = 0.15 * rng.normal(size=(10, 512))
    mixed = rng.normal(size=(512, 512)) * np.exp(-np.arange(512) / 60)[:, None]

    def draw(samples: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(0, 10, samples)
        features = (centres[labels] + rng.normal(size=(samples, 512))) @ mixed
        return np.maximum(features, 0).astype(np.float32), labels

    return (*draw(10_000), *draw(2_000))


def scikit_knn(z: np.ndarray, y: np.ndarray, test_z: np.ndarray, test_y: np.ndarray) -> float:
    """Weighted k-NN by scikit-learn: 200 neighbours, votes exp(cosine / 0.1)."""

    def votes(distances: np.ndarray) -> np.ndarray:
        return np.exp((1 - distances) / 0.1)

    machine = KNeighborsClassifier(200, weights=votes, metric="cosine", algorithm="brute")
    return float(machine.fit(z, y).score(test_z, test_y))


def scikit_probe(z: np.ndarray, y: np.ndarray, test_z: np.ndarray, test_y: np.ndarray) -> float:
    """The linear probe's protocol by scikit-learn's fits as they are."""
    scaler = StandardScaler().fit(z.astype(np.float64))
    z, test_z = scaler.transform(z), scaler.transform(test_z)
    rest, kept = stratified(y, 1 / 5)

    def fitted(strength: float, rows: np.ndarray) -> LogisticRegression:
        machine = LogisticRegression(C=1 / strength / len(rows), max_iter=500)
        return machine.fit(z[rows], y[rows])

    def entropy(strength: float) -> float:
        p = fitted(strength, rest).predict_log_proba(z[kept])
        return -float(np.mean(p[np.arange(len(kept)), y[kept]]))

    best = fitted(min(STRENGTHS, key=entropy), np.arange(len(y)))
    return float(best.score(test_z, test_y))


def compare(
    name: str, ours: Callable[[], float], theirs: Callable[[], float], repeats: int
) -> tuple[float, float]:
    """Times both in turn, prints a line, returns our median seconds and the median ratio."""
    ours()  # the first call imports and allocates
    our_times, their_times = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        our_score = ours()
        middle = time.perf_counter()
        their_score = theirs()
        their_times.append(time.perf_counter() - middle)
        our_times.append(middle - start)
    ratio = statistics.median(b / a for a, b in zip(our_times, their_times, strict=True))
    seconds = statistics.median(our_times)
    print(
        f"{name:12s} {1e3 * seconds:9.1f} ms   plain loop "
        f"{1e3 * statistics.median(their_times):9.1f} ms   {ratio:6.1f} times as fast   "
        f"{our_score:.6f}, difference {abs(our_score - their_score):.1e}   ({repeats} pairs)"
    )
    return seconds, ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", help="codes and factors to use instead of made ones")
    parser.add_argument("--repeats", type=int, default=31, help="pairs of runs for MIG")
    parser.add_argument("--sap-repeats", type=int, default=3, help="pairs of runs for the others")
    options = parser.parse_args()
    arrays = z, v, test_z, test_v = read_codes(options.file) if options.file else made_codes()

    seconds, ratio = compare("MIG", lambda: mig(z, v), lambda: scikit_mig(z, v), options.repeats)
    compare(
        "SAP (svm)",
        lambda: sap(z, v, test_z, test_v),
        lambda: scikit_sap(z, v, test_z, test_v),
        options.sap_repeats,
    )
    for name, ours, theirs in (
        ("FactorVAE", factor_vae_score, looped_factor_vae),
        ("b-VAE", beta_vae_score, looped_beta_vae),
    ):
        compare(name, lambda f=ours: f(z, v), lambda f=theirs: f(z, v), options.sap_repeats)

    for name, ours, theirs in (
        ("explicitness", explicitness, scikit_explicitness),
        ("DCI, factor 1", partial(first_factor, our_boost), partial(first_factor, scikit_boost)),
    ):
        compare(name, partial(ours, *arrays), partial(theirs, *arrays), options.sap_repeats)

    features = made_features()
    for name, ours, theirs in (
        ("k-NN", knn, scikit_knn),
        ("linear probe", linear_probe, scikit_probe),
    ):
        compare(name, partial(ours, *features), partial(theirs, *features), options.sap_repeats)

    held = seconds <= MOST_MIG_SECONDS and ratio >= LEAST_MIG_RATIO
    print(
        f"MIG in at most {1e3 * MOST_MIG_SECONDS:.0f} ms and at least {LEAST_MIG_RATIO:.0f} times "
        f"as fast: {'yes' if held else 'NO'}"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())

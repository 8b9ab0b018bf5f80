"""Losses on embeddings against published values, closed forms, NumPy and their invariances."""

import doctest
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import losses
from zoo.losses import contrastive

REFERENCE = pathlib.Path(__file__).parent / "reference" / "projections.npz"
VALUES = {  # reference/README.md says where they are from
    "nt_xent_T0.07": 0.03536875918507576,
    "nt_xent_T0.1": 0.17662875354290009,
    "nt_xent_T0.2": 1.4209604263305664,
    "nt_xent_T0.5": 3.30222225189209,
    "info_nce_queue_T0.07": 0.059860412031412125,
    "info_nce_queue_T0.1": 0.30608823895454407,
    "info_nce_queue_T0.2": 1.975759506225586,
    "info_nce_queue_T0.5": 3.981677532196045,
    "info_nce_batch_T0.07": 0.014101352542638779,
    "info_nce_batch_T0.1": 0.08935946226119995,
    "info_nce_batch_T0.2": 0.9473476409912109,
    "info_nce_batch_T0.5": 2.6450657844543457,
    "barlow_twins_lambda0.005": 1.1176174879074097,
    "barlow_twins_lambda0.0051": 1.1192026138305664,
    "barlow_twins_lambda0.05": 1.8309400081634521,
    "vicreg_25_25_1": 14.055404663085938,
    "negative_cosine": -0.8219853639602661,
    "pico_supcon_T0.07": 11.523565292358398,
    "margin_contrastive": 4.406131271476514,
    "margin": 3.9539725214612447,
}


@pytest.fixture(scope="module")
def given():
    with np.load(REFERENCE) as file:
        return {name: file[name] for name in file.files}


def found(name, given):
    """The loss that a value's name describes."""
    za, zb, queue = given["z1"], given["z2"], given["queue"]
    loss, _, number = name.rpartition("_T") if "_T" in name else (name, "", "0")
    temperature = float(number)
    if loss == "nt_xent":
        return losses.nt_xent(za, zb, temperature)
    if loss == "info_nce_batch":
        return losses.info_nce(za, zb, temperature=temperature)
    if loss == "info_nce_queue":
        return losses.info_nce(za, zb, queue, temperature)
    if loss.startswith("barlow_twins"):
        return losses.barlow_twins(za, zb, float(loss.removeprefix("barlow_twins_lambda")))
    if loss == "vicreg_25_25_1":
        return losses.vicreg(za, zb)
    if loss == "negative_cosine":
        return losses.negative_cosine(za, zb)
    if loss == "pico_supcon":
        labels = np.concatenate([given["labels"], given["labels"], given["queue_labels"]])
        positives = given["labels"][:, None] == labels
        candidates = np.concatenate([za, zb, queue])
        return losses.supervised_contrastive(za, candidates, positives, temperature)
    assert loss == "margin_contrastive"
    return losses.margin_contrastive(za, zb, given["similar"], VALUES["margin"])


@pytest.mark.parametrize("name", [name for name in VALUES if name != "margin"])
def test_published_values(name, given):
    assert float(found(name, given)) == pytest.approx(VALUES[name], rel=1e-4)


def test_the_values_here_are_the_published_ones(test_data, given):
    folder = test_data / "reference" / "losses"
    published = json.loads((folder / "values.json").read_text())
    assert {name: published[name] for name in VALUES} == VALUES
    with np.load(folder / "inputs.npz") as file:
        for name, values in given.items():
            np.testing.assert_array_equal(values, file[name])


def test_examples_run():
    assert doctest.testmod(contrastive).failed == 0


def rows(n=6, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype("float32")


# Closed forms


@pytest.mark.parametrize("temperature", [0.07, 0.5, 1.0])
@pytest.mark.parametrize("n", [2, 5])
def test_orthogonal_keys(n, temperature):
    q = 3 * np.eye(n, 8, dtype="float32")
    expected = np.log(1 + (n - 1) * np.exp(-1 / temperature))
    loss = float(losses.info_nce(q, q, temperature=temperature))
    assert loss == pytest.approx(expected, rel=1e-4, abs=1e-6)
    negatives = np.eye(8, dtype="float32")[n:]
    expected = np.log(1 + len(negatives) * np.exp(-1 / temperature))
    loss = float(losses.info_nce(q, 2 * q, negatives, temperature))
    assert loss == pytest.approx(expected, rel=1e-4, abs=1e-6)
    expected = np.log(1 + 2 * (n - 1) * np.exp(-1 / temperature))
    assert float(losses.nt_xent(q, q, temperature)) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("n", [1, 4])
def test_collapsed_views_know_nothing(n):
    same = np.ones((n, 3), "float32")
    assert float(losses.nt_xent(same, same)) == pytest.approx(np.log(2 * n - 1), abs=1e-5)
    assert float(losses.info_nce(same, same)) == pytest.approx(np.log(n), abs=1e-5)


def test_a_dimension_each_is_barlows_aim():
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")
    assert float(losses.barlow_twins(signs, signs)) == pytest.approx(0, abs=1e-6)
    copied = signs[:, [0, 0, 0]]  # every entry of C is 1: six of them off the diagonal
    assert float(losses.barlow_twins(copied, copied, 0.1)) == pytest.approx(0.6, rel=1e-4)
    assert float(losses.barlow_twins(signs, -signs, 0.1)) == pytest.approx(8, rel=1e-4)


def test_barlow_compares_dimensions_not_samples():
    assert tuple(losses.cross_correlation(rows(6, 3), rows(6, 3, 1)).shape) == (3, 3)


def test_vicreg_terms():
    signs = 2 * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")
    assert float(losses.vicreg(signs, signs)) == pytest.approx(0, abs=1e-5)
    still = np.zeros((4, 2), "float32")  # deviation sqrt(1e-4): a hinge of 0.99 in both views
    assert float(losses.vicreg(still, still, 1, 1, 1)) == pytest.approx(0.99, rel=1e-5)
    assert float(losses.vicreg(still, still + 3, 1, 0, 0)) == pytest.approx(9)
    copied = signs[:, [0, 0]]  # variance 16/3 and as large a covariance, in both views
    expected = 2 * 2 * (16 / 3) ** 2 / 2
    assert float(losses.vicreg(copied, copied, 0, 0, 1)) == pytest.approx(expected, rel=1e-5)


def test_negative_cosine_of_known_angles():
    p, z = np.array([[2.0, 0], [0, 1]], "f4"), np.array([[3.0, 0], [1, 0]], "f4")
    assert float(losses.negative_cosine(p, z)) == pytest.approx(-0.5)


def test_margin_contrastive_of_known_distances():
    za, zb = np.zeros((4, 2), "f4"), np.array([[3, 4], [3, 4], [0.6, 0.8], [0, 0]], "f4")
    similar = np.array([1, 0, 0, 1])  # 25, beyond the margin, (2 - 1)^2, 0
    assert float(losses.margin_contrastive(za, zb, similar, 2.0)) == pytest.approx(26 / 8)


def test_supervised_contrastive_with_the_partner_alone_is_nt_xent():
    za, zb = rows(5, 4, 0), rows(5, 4, 1)
    z = np.concatenate([za, zb])
    partners = np.roll(np.eye(10), 5, axis=1)
    loss = losses.supervised_contrastive(z, z, partners, 0.3)
    assert float(loss) == pytest.approx(float(losses.nt_xent(za, zb, 0.3)), rel=1e-5)


def test_supervised_contrastive_is_the_papers_double_sum():
    anchors, candidates = rows(4, 3, 0), np.concatenate([rows(4, 3, 0), rows(5, 3, 1)])
    positives = np.random.default_rng(2).random((4, 9)) < 0.4
    positives[1] = False
    a, c = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (anchors, candidates))
    terms = []
    for i in range(4):
        own = [p for p in range(9) if positives[i, p] and p != i]
        total = sum(np.exp(a[i] @ c[j] / 0.5) for j in range(9) if j != i)
        if own:
            terms.append(-np.mean([np.log(np.exp(a[i] @ c[p] / 0.5) / total) for p in own]))
    loss = losses.supervised_contrastive(anchors, candidates, positives, 0.5)
    assert float(loss) == pytest.approx(np.mean(terms), rel=1e-5)
    assert len(terms) == 3  # the anchor without positives does not count


def info_nce(q, k, negatives, seen, temperature):
    """InfoNCE as its equation has it: of each query, its own key among the negatives it sees."""
    q, k = (x.astype("f8") / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, k))
    terms = []
    for i in range(len(q)):
        own = np.exp(q[i] @ k[i] / temperature)
        others = sum(np.exp(q[i] @ negatives[j] / temperature) for j in np.flatnonzero(seen[i]))
        terms.append(-np.log(own / (own + others)))
    return np.mean(terms)


def test_info_nce_does_not_see_what_is_excluded():
    q, k, labels = rows(6, 4, 0), rows(6, 4, 1), np.array([0, 0, 1, 2, 2, 2])
    same = labels[:, None] == labels  # of the query itself too: its own key stays
    expected = info_nce(q, k, np.asarray(contrastive.unit(k)), ~same, 0.5)
    for excluded in (same, same.astype("f4"), same & ~np.eye(6, dtype=bool)):
        found = float(losses.info_nce(q, k, temperature=0.5, excluded=excluded))
        assert found == pytest.approx(expected, rel=1e-5)


def test_info_nce_does_not_see_what_is_excluded_of_other_negatives():
    """Here the other keys of the batch that share nothing, and one hard negative of each query."""
    q, k, hard = rows(5, 4, 0), rows(5, 4, 1), np.asarray(contrastive.unit(rows(5, 4, 2)))
    labels = np.array([0, 0, 1, 2, 2])
    negatives = np.concatenate([np.asarray(contrastive.unit(k)), hard])
    excluded = np.concatenate([labels[:, None] == labels, ~np.eye(5, dtype=bool)], axis=1)
    found = float(losses.info_nce(q, k, negatives, 0.5, excluded))
    assert found == pytest.approx(info_nce(q, k, negatives, ~excluded, 0.5), rel=1e-5)


def test_queries_that_see_no_negative_have_no_loss():
    q, k = rows(3, 4, 0), rows(3, 4, 1)
    everything = np.ones((3, 3), bool)
    for value in (
        losses.info_nce(q, k, excluded=everything),
        losses.info_nce(q, k, contrastive.unit(k), excluded=everything),
    ):
        assert float(value) == pytest.approx(0, abs=1e-6)


def test_excluding_nothing_changes_nothing():
    q, k, nothing = rows(6, 4, 0), rows(6, 4, 1), np.zeros((6, 6), bool)
    expected = float(losses.info_nce(q, k))
    assert float(losses.info_nce(q, k, excluded=nothing)) == pytest.approx(expected, rel=1e-6)


def test_no_positives_at_all_is_no_loss():
    loss = losses.supervised_contrastive(rows(), rows(), np.zeros((6, 6)))
    assert float(loss) == 0


# Invariances


@pytest.mark.parametrize("loss", [losses.nt_xent, losses.barlow_twins, losses.vicreg])
def test_views_may_change_places(loss):
    za, zb = rows(8, 4, 0), rows(8, 4, 1)
    assert float(loss(za, zb)) == pytest.approx(float(loss(zb, za)), rel=1e-5)


@pytest.mark.parametrize(
    "loss",
    [losses.info_nce, losses.nt_xent, losses.negative_cosine],
    ids=lambda loss: loss.__name__,
)
def test_lengths_do_not_matter(loss):
    za, zb = rows(8, 4, 0), rows(8, 4, 1)
    scale = np.random.default_rng(2).uniform(0.1, 10, (8, 1)).astype("float32")
    assert float(loss(za * scale, zb)) == pytest.approx(float(loss(za, zb)), rel=1e-5)


def test_barlow_takes_any_scale_and_shift_of_a_dimension():
    za, zb = 10 * rows(32, 4, 0), 10 * rows(32, 4, 1)
    changed = za * np.array([2, 3, 4, 5], "f4") + np.array([5, -5, 1, 0], "f4")
    expected = float(losses.barlow_twins(za, zb))
    assert float(losses.barlow_twins(changed, zb)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "loss",
    [losses.nt_xent, losses.info_nce, losses.barlow_twins, losses.vicreg, losses.negative_cosine],
    ids=lambda loss: loss.__name__,
)
def test_the_order_of_the_batch_does_not_matter(loss):
    za, zb = rows(8, 4, 0), rows(8, 4, 1)
    order = np.random.default_rng(2).permutation(8)
    expected = float(loss(za, zb))
    assert float(loss(za[order], zb[order])) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("similar", [0.0, 1.0])
def test_gradients_are_finite_where_everything_has_collapsed(similar):
    for loss in (
        losses.info_nce,
        losses.nt_xent,
        losses.barlow_twins,
        losses.vicreg,
        losses.negative_cosine,
        lambda za, zb: losses.margin_contrastive(za, zb, np.full(4, similar)),
    ):
        z = tf.Variable(np.zeros((4, 3), "float32"))
        with tf.GradientTape() as tape:
            value = loss(z, tf.zeros((4, 3)))
        assert np.isfinite(float(value))
        assert np.isfinite(tape.gradient(value, z)).all()


def test_half_precision_is_computed_in_float32():
    za, zb = (keras.ops.cast(rows(8, 4, seed), "float16") for seed in (0, 1))
    wide = [np.asarray(z, "float32") for z in (za, zb)]
    for loss in (losses.nt_xent, losses.info_nce, losses.barlow_twins):
        assert float(loss(za, zb)) == pytest.approx(float(loss(*wide)), rel=1e-6)


def test_sizes_come_from_tensors():
    @tf.function(input_signature=[tf.TensorSpec((None, 4)), tf.TensorSpec((None, 4))])
    def graph(za, zb):
        return losses.nt_xent(za, zb), losses.barlow_twins(za, zb), losses.info_nce(za, zb)

    za, zb = rows(7, 4, 0), rows(7, 4, 1)
    expected = losses.nt_xent(za, zb), losses.barlow_twins(za, zb), losses.info_nce(za, zb)
    np.testing.assert_allclose(graph(za, zb), expected, rtol=1e-5)


# What is refused


@pytest.mark.parametrize("temperature", [0, -0.1, float("nan"), float("inf"), "1", True])
@pytest.mark.parametrize(
    "loss",
    [
        lambda t: losses.info_nce(rows(), rows(), temperature=t),
        lambda t: losses.nt_xent(rows(), rows(), t),
        lambda t: losses.supervised_contrastive(rows(), rows(), np.eye(6), t),
    ],
)
def test_a_temperature_must_be_above_zero(loss, temperature):
    with pytest.raises(ValueError, match=r"Expected temperature to be a number above 0\. Received"):
        loss(temperature)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: losses.nt_xent(rows(6), rows(5)),
            r"za and zb of one shape.*\(6, 4\) and \(5, 4\)",
        ),
        (lambda: losses.info_nce(rows()[0], rows()), r"q of shape \(N, L\).*shape: \(4,\)"),
        (lambda: losses.info_nce(rows(), rows(), rows(9, 3)), r"negatives of shape \(N, 4\)"),
        (
            lambda: losses.info_nce(rows(), rows(), excluded=np.ones(6)),
            r"excluded and logits of one shape.*\(6,\) and \(6, 6\)",
        ),
        (
            lambda: losses.info_nce(rows(), rows(), rows(9), excluded=np.ones((6, 6))),
            r"excluded and logits of one shape.*\(6, 6\) and \(6, 9\)",
        ),
        (
            lambda: losses.barlow_twins(rows(1), rows(1)),
            r"za of shape.*at least 2.*\(1, 4\)",
        ),
        (lambda: losses.vicreg(rows(1), rows(1)), r"za of shape.*at least 2.*\(1, 4\)"),
        (lambda: losses.barlow_twins(rows(), rows(), -1), "redundancy_weight to be a number of at"),
        (lambda: losses.vicreg(rows(), rows(), variance_weight=-1), "variance_weight to be a numb"),
        (lambda: losses.margin_contrastive(rows(), rows(), np.ones(6), 0), "margin to be a number"),
        (lambda: losses.margin_contrastive(rows(), rows(), np.ones((6, 1))), "similar of shape"),
    ],
)
def test_what_fits_no_loss_is_refused(call, said):
    with pytest.raises(ValueError, match=f"Expected .*{said}"):
        call()

"""Subspaces that are each compared by what they are to hold, and kept apart by penalties."""

import doctest
import itertools
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import zoo
from tests import contract, parts
from tests.contract import MethodContract
from zoo import losses
from zoo.contrastive import subspace_contrastive
from zoo.data import FactorData
from zoo.data.pixels import ArrayPixels
from zoo.networks.subspaces import heads

SUBSPACES = {"form": 3, "size": 2}
NAMES = ("hue", "angle", "size")
HELD = {"form": ("hue", "angle"), "size": "size"}
IGNORED = {"form": "colour", "size": ("crop", "flip")}
PENALTIES = ("correlation", "gaussian_mi", "club", "hsic", "orthogonality", "variance")
WEIGHTS = {f"{name}_weight": 0.5 + i for i, name in enumerate(PENALTIES)}


def encoder(widths=SUBSPACES, seed=3):
    return heads(parts.encoder(units=5, seed=seed), widths, seed=seed)


def make(**hyperparameters):
    told = {"subspaces": SUBSPACES, "held": HELD, "factor_names": NAMES, **hyperparameters}
    return zoo.SubspaceContrastive(encoder(told["subspaces"]), **told)


def of_views(**hyperparameters):
    return zoo.SubspaceContrastive(encoder(), SUBSPACES, ignored=IGNORED, **hyperparameters)


def batch(n=6, seed=0, hard=True, factors=True):
    images = iter(parts.images(n, 10 * seed + i) for i in itertools.count())
    given = {"image": next(images), "positives": {name: next(images) for name in SUBSPACES}}
    given["negatives"] = {name: next(images) for name in SUBSPACES} if hard else {}
    if factors:
        given["factors"] = np.random.default_rng(seed).integers(0, 2, (n, 3))
    return given


class TestSubspaceContrastive(MethodContract):
    def make(self):
        """With all penalties but those that are ill-conditioned for six images of five codes."""
        left_out = ("correlation_weight", "gaussian_mi_weight")
        return make(**{name: w for name, w in WEIGHTS.items() if name not in left_out})

    def batch(self, n=6, seed=0):
        return batch(n, seed)

    def images(self, n=6):
        return self.batch(n)["image"]

    def wrong_batches(self):
        """Also whole batches, of which one part is wrong, or left out."""
        good = self.batch()
        wrong = [{**good, "image": images} for images in super().wrong_batches()]
        return [*super().wrong_batches(), *wrong, {**good, "positives": {}}]


def compiled(method):
    method.compile(keras.optimizers.SGD(0.1))
    return method


def tensors(given):
    return keras.tree.map_structure(ops.convert_to_tensor, given)


def terms_of(method, given):
    return {
        name: float(value)
        for name, value in contract.call_with(
            method.objective, method.forward(tensors(given), training=False)
        ).items()
    }


def test_examples_run():
    found = doctest.testmod(subspace_contrastive)
    assert found.failed == 0
    assert found.attempted > 5


# The equation


def restated(method, given, temperature):
    """L = sum_i InfoNCE(z_i), image by image, negative by negative."""

    def codes(images, first, last):
        z = method.predict(images, verbose=0).astype("float64")[:, first:last]
        return z / np.linalg.norm(z, axis=1, keepdims=True)

    columns = {"form": [0, 1], "size": [2]}
    found, first = {}, 0
    for name, width in SUBSPACES.items():
        last = first + width
        query = codes(given["image"], first, last)
        positive = codes(given["positives"][name], first, last)
        hard = codes(given["negatives"][name], first, last) if given["negatives"] else None
        first, losses_of_images = last, []
        for n, q in enumerate(query):
            own = np.exp(q @ positive[n] / temperature)
            others = 0.0 if hard is None else np.exp(q @ hard[n] / temperature)
            for m, key in enumerate(positive):
                shares = given["factors"][n, columns[name]] == given["factors"][m, columns[name]]
                if not shares.all():
                    others += np.exp(q @ key / temperature)
            losses_of_images.append(-np.log(own / (own + others)))
        found[f"info_nce_{name}"] = np.mean(losses_of_images)
    return {"loss": sum(found.values()), **found}


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_loss_is_the_equation(hard, seed):
    method, given = make(temperature=0.3, hard_negatives=hard), batch(7, seed, hard)
    assert terms_of(method, given) == pytest.approx(restated(method, given, 0.3), rel=1e-4)


def test_of_views_a_subspace_that_ignores_crops_sees_its_hard_negatives_alone():
    method, given = of_views(temperature=0.3), batch(5, factors=False)
    assert method.batch_negatives == ("form",)
    z = {
        (kind, name): method.predict(images, verbose=0).astype("float64")
        for kind, found in (("k", given["positives"]), ("h", given["negatives"]))
        for name, images in found.items()
    }
    q = method.predict(given["image"], verbose=0).astype("float64")
    found = terms_of(method, given)
    own = np.exp((q[:, 3:] * z["k", "size"][:, 3:]).sum(axis=1) / 0.3)
    hard = np.exp((q[:, 3:] * z["h", "size"][:, 3:]).sum(axis=1) / 0.3)
    assert found["info_nce_size"] == pytest.approx(-np.log(own / (own + hard)).mean(), rel=1e-4)
    every = np.exp(q[:, :3] @ z["k", "form"][:, :3].T / 0.3)
    own, hard = np.diag(every), np.exp((q * z["h", "form"])[:, :3].sum(axis=1) / 0.3)
    expected = -np.log(own / (every.sum(axis=1) + hard)).mean()
    assert found["info_nce_form"] == pytest.approx(expected, rel=1e-4)


def test_codes_that_hold_their_factors_have_the_least_loss():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 2, (40, 3))
    corners = np.eye(4)[2 * factors[:, 0] + factors[:, 1]] - 0.25
    signs = np.stack([factors[:, 2], 1 - factors[:, 2]], axis=1) - 0.5
    perfect = np.concatenate([corners, signs], axis=1)
    method = make(subspaces={"form": 4, "size": 2}, temperature=0.05)

    def loss(form, size):
        """Of codes that are told: hard negatives have the next value."""
        z = np.concatenate([form, size], axis=1).astype("float32")
        hard = {"form": np.roll(form, 1, axis=1), "size": -size}
        terms = method.objective(
            ops.convert_to_tensor(z),
            {"form": ops.convert_to_tensor(form), "size": ops.convert_to_tensor(size)},
            {name: ops.convert_to_tensor(h) for name, h in hard.items()},
            ops.convert_to_tensor(factors),
            kernels=[],
            gates=None,
            answers=[],
        )
        return {name: float(value) for name, value in terms.items()}

    corners, signs = perfect[:, :4].astype("float32"), perfect[:, 4:].astype("float32")
    good = loss(corners, signs)
    assert good["loss"] < 1e-3
    mixed = rng.permutation(corners)
    assert loss(mixed, signs)["info_nce_form"] > 1
    assert loss(mixed, signs)["info_nce_size"] == pytest.approx(good["info_nce_size"])


@pytest.mark.parametrize(
    ("name", "moved"),
    [
        ("form", [[0, 2, 3], [1, 2, 3], [0, 1, 2], [0, 1, 3]]),
        ("size", [[0, 1, 3], [0, 1, 2], [1, 2, 3], [0, 2, 3]]),
    ],
)
def test_images_that_share_what_is_held_do_not_push_one_another(name, moved):
    method, given = make(temperature=1.0, hard_negatives=False), batch(4, hard=False)
    given["factors"] = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1]])
    outputs = method.forward(tensors(given), training=False)
    z, keys = method.split(outputs["codes"])[name], tf.Variable(outputs["keys"][name])
    for n in range(4):
        alone = z * ops.one_hot(n, 4)[:, None]  # codes of zeros pull and push nothing
        with tf.GradientTape() as tape:
            loss = method.info_nce(name, alone, keys, None, outputs["factors"])
        gradient = np.abs(tape.gradient(loss, keys)).max(axis=1)
        assert np.flatnonzero(gradient > 1e-7).tolist() == moved[n]


def test_penalties_are_those_of_zoo_losses():
    method, given = make(**WEIGHTS), batch(8)
    terms = terms_of(method, given)
    codes = method.predict(given["image"], verbose=0)
    form, size = codes[:, :3], codes[:, 3:]
    kernels = [method.encoder.get_layer(f"{name}_head").kernel for name in SUBSPACES]
    centred = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    mean, logvar = method.club_network(centred)
    expected = {
        "correlation": losses.squared_correlation(form, size),
        "gaussian_mi": losses.gaussian_mutual_information(form, size),
        "club": losses.club(centred[:, 3:], mean, logvar),
        "hsic": losses.hsic(form, size),
        "orthogonality": losses.head_orthogonality(kernels),
        "variance": losses.variance_separation(form, given["factors"][:, :2])
        + losses.variance_separation(size, given["factors"][:, 2]),
    }
    for name, value in expected.items():
        assert terms[name] == pytest.approx(float(value), rel=1e-3), name
    weighted = sum(WEIGHTS[f"{name}_weight"] * terms[name] for name in expected)
    info_nce = terms["info_nce_form"] + terms["info_nce_size"]
    assert terms["loss"] == pytest.approx(info_nce + weighted, rel=1e-5)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_is_one_argument(name):
    plain, one = make(), make(**{f"{name}_weight": 2.0})
    assert one.terms == (*plain.terms, name)
    assert plain.terms == ("info_nce_form", "info_nce_size")
    without, found = terms_of(plain, batch(8)), terms_of(one, batch(8))
    assert found["loss"] == pytest.approx(without["loss"] + 2 * found[name], rel=1e-4)
    if name not in ("variance", "orthogonality"):
        assert found[name] != 0


def test_penalties_are_summed_over_pairs():
    widths = {"a": 2, "b": 2, "c": 2}
    held = dict(zip(widths, NAMES, strict=True))
    method = make(subspaces=widths, held=held, correlation_weight=1.0, orthogonality_weight=1.0)
    images = iter(parts.images(6, i) for i in range(9))
    given = {"image": next(images), "factors": batch()["factors"]}
    given |= {part: {name: next(images) for name in widths} for part in ("positives", "negatives")}
    codes = np.split(method.predict(given["image"], verbose=0), 3, axis=1)
    pairs = [float(losses.squared_correlation(a, b)) for a, b in itertools.combinations(codes, 2)]
    assert terms_of(method, given)["correlation"] == pytest.approx(sum(pairs), rel=1e-4)


def test_branches_of_equal_width_have_orthogonal_vectors():
    method = zoo.SubspaceContrastive.for_images(
        (16, 16, 1),
        {"form": 3, "size": 3},
        held=HELD,
        factor_names=NAMES,
        branches=True,
        orthogonality_weight=1.0,
    )
    images = parts.images(30, 0, (16, 16, 1))
    given = {"image": images, "factors": batch(30)["factors"]}
    given |= {part: dict.fromkeys(SUBSPACES, images) for part in ("positives", "negatives")}
    z = method.predict(images, verbose=0)
    expected = float(losses.vector_orthogonality([z[:, :3], z[:, 3:]]))
    assert terms_of(method, given)["orthogonality"] == pytest.approx(expected, rel=1e-4)


# The network of the bound


def test_the_network_of_the_bound_learns_beside_the_method():
    method = compiled(make(club_weight=1.0, club_optimizer=keras.optimizers.SGD(0.1)))
    own = method.club_network.trainable_variables
    assert not {id(v) for v in own} & {id(v) for v in method.learned}
    codes = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(40, 5)), "float32")
    before = contract.values(own)
    said = method.ask(codes, training=True)
    with tf.GradientTape() as tape:
        [(b, mean, logvar)] = method.ask(codes, training=False)["answers"]
        loss = losses.club_learning(b, mean, logvar)
    gradients = tape.gradient(loss, [v.value for v in own])
    method.after_update(said["club_gradients"])
    for old, gradient, new in zip(before, gradients, contract.values(own), strict=True):
        np.testing.assert_allclose(new, old - 0.1 * gradient, atol=1e-6)


@pytest.mark.slow
def test_the_bound_finds_what_subspaces_share():
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 600)
    method = compiled(make(club_weight=1.0, club_optimizer=keras.optimizers.Adam(rate)))
    rng, rho = np.random.default_rng(0), 0.8

    @tf.function(autograph=False)
    def step(codes):
        method.after_update(method.ask(codes, training=True)["club_gradients"])

    def drawn(n):
        z = rng.normal(size=(n, 5)).astype("float32")
        z[:, 3] = rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 3]
        return ops.convert_to_tensor(z)

    for _ in range(600):
        step(drawn(512))
    [answer] = method.ask(drawn(40_000), training=False)["answers"]
    assert float(losses.club(*answer)) == pytest.approx(rho**2 / (1 - rho**2), rel=0.1)


# Building and data


def test_codes_are_subspaces_of_length_1_side_by_side():
    method = zoo.SubspaceContrastive.for_images(
        (16, 16, 3), SUBSPACES, held=HELD, factor_names=NAMES
    )
    codes = method.predict(parts.images(4, 0, (16, 16, 3)), verbose=0)
    assert codes.shape == (4, 5)
    for z in method.split(codes).values():
        np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)
    assert [*method.subspaces.items()] == [*SUBSPACES.items()]
    assert method.held == {"form": ("hue", "angle"), "size": ("size",)}


def test_a_subspace_holds_the_factor_that_it_is_called_like():
    method = make(subspaces={"size": 2, "hue": 3}, held=None)
    assert method.held == {"size": ("size",), "hue": ("hue",)}
    assert of_views().held == {}


def toy():
    images = parts.images(12, 0, (16, 16, 3))
    factors = np.indices((2, 3, 2)).reshape(3, -1).T
    return FactorData("toy", ArrayPixels(images), factors, NAMES)


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("source", [{"held": HELD, "factor_names": NAMES}, {"ignored": IGNORED}])
def test_it_trains_on_batches_of_its_own(source, hard):
    data = toy()
    method = zoo.SubspaceContrastive.for_images(
        data.image_shape, SUBSPACES, hard_negatives=hard, **source
    )
    method.compile(keras.optimizers.Adam(1e-3))
    n = 4 if hard or "ignored" in source else 24
    stream = method.batches(data, n, seed=1)
    history = method.fit(stream, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"][0])
    assert set(next(iter(stream))["negatives"]) == (set(SUBSPACES) if hard else set())
    later = next(iter(method.batches(data, n, seed=1, start=1)))["image"]
    np.testing.assert_array_equal(later, [*stream.take(2)][1]["image"])


def test_a_single_subspace_learns_too():
    method = compiled(make(subspaces={"size": 5}, held=None, variance_weight=1.0))
    images = parts.images(8)
    given = {"image": images, "factors": batch(8)["factors"]}
    given |= {
        part: {"size": parts.images(8, i)} for i, part in enumerate(("positives", "negatives"))
    }
    history = method.fit(given, verbose=0).history
    assert np.isfinite(history["loss"][0])
    codes = method.predict(images, verbose=0)
    np.testing.assert_array_equal(method.split(codes)["size"], codes)


def test_codes_of_another_width_are_not_split():
    method = make()
    with pytest.raises(ValueError, match=r"Expected codes \(N, \d+\), of subspaces .*\(5, 3\)"):
        method.split(np.zeros((5, 3), "float32"))


def test_data_with_other_factors_are_refused():
    data = toy()
    other = FactorData("other", ArrayPixels(data.images(data.factors)), data.factors, "abc")
    message = r"Expected data with the factors hue, angle, size, .*Received: other with a, b, c\."
    with pytest.raises(ValueError, match=message):
        make().batches(other, 4)


def test_a_factor_that_never_varies_is_refused():
    message = r"Expected factors that vary\. Received: 'angle' of subspace 'form'"
    with pytest.raises(ValueError, match=message):
        make().batches(toy().subset(angle=0), 4)


def test_data_without_factors_are_refused():
    with pytest.raises(ValueError, match=r"Expected data with known factors.*Received: digits"):
        make().batches(zoo.data.load("digits"), 4)


# Dimensions that are shared out


def test_subspaces_may_share_out_dimensions(tmp_path):
    widths = {"form": 4, "size": 4}
    told = {"held": HELD, "factor_names": NAMES, "price": 0.5}
    method = zoo.SubspaceContrastive.for_images((16, 16, 3), widths, **told)
    gates = method.encoder.get_layer("gates")
    gates.logits.assign([[2.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 2.0, 2.0]])
    assert method.remaining() == {"form": ("hue", "angle")}
    zoo.export(method, tmp_path / "1")
    assert '"closed_subspaces": [' in (tmp_path / "1" / "card.json").read_text()
    assert "Closed, with codes of zeros: size." in (tmp_path / "1" / "README.md").read_text()
    images = parts.images(4, 0, (16, 16, 3))
    z = method.split(method.predict(images, verbose=0))
    assert not np.asarray(z["size"]).any()
    np.testing.assert_allclose(np.linalg.norm(z["form"][:, :2], axis=1), 1, atol=1e-5)
    compiled(method)
    given = next(iter(method.batches(toy(), 4)))
    logs = {name: float(value) for name, value in method.test_step(given).items()}
    assert (logs["open_subspaces"], logs["open_dimensions"]) == (1, 2)
    used = 1 - np.array([1, 1, np.exp(2), np.exp(2)]) / (2 + np.exp(2))
    info_nce = logs["info_nce_form"] + logs["info_nce_size"]
    assert logs["loss"] == pytest.approx(info_nce + 0.5 * used.sum(), rel=1e-4)
    for _ in range(3):
        assert all(np.isfinite(float(value)) for value in method.train_step(given).values())
    assert all(np.isfinite(weight).all() for weight in method.get_weights())
    method.save(tmp_path / "method.keras")
    loaded = keras.models.load_model(tmp_path / "method.keras")
    assert loaded.remaining() == method.remaining()
    for one in (method, loaded):
        one.train_step(given)
    contract.assert_equal(*(contract.values(contract.state(one)) for one in (method, loaded)))


def test_dimensions_that_cannot_be_shared_out_are_refused():
    with pytest.raises(ValueError, match=r"Expected subspaces of one width.*'form': 3, 'size': 2"):
        zoo.SubspaceContrastive.for_images((16, 16, 3), SUBSPACES, price=0.1)
    with pytest.raises(ValueError, match="Expected branches or a price"):
        zoo.SubspaceContrastive.for_images((16, 16, 3), SUBSPACES, price=0.1, branches=True)
    with pytest.raises(ValueError, match="Expected an orthogonality_weight of 0: subspaces that s"):
        zoo.SubspaceContrastive.for_images(
            (16, 16, 3),
            {"form": 4, "size": 4},
            held=HELD,
            factor_names=NAMES,
            price=0.1,
            orthogonality_weight=1.0,
        )
    assert make().remaining() == {"form": ("hue", "angle"), "size": ("size",)}


# Conditions


def conditional(**hyperparameters):
    told = {"held": HELD, "factor_names": NAMES, "condition": "angle", "conditions": 3}
    return zoo.SubspaceContrastive.for_images((16, 16, 3), SUBSPACES, **{**told, **hyperparameters})


def told_apart(method, seed=0):
    """The method, its conditions no longer alike."""
    rng = np.random.default_rng(seed)
    for layer in method.encoder._flatten_layers():
        if isinstance(layer, zoo.layers.ConditionalBatchNormalization):
            layer.beta.assign(rng.normal(size=layer.beta.shape))
    return method


def test_codes_depend_on_the_condition():
    method = told_apart(conditional())
    images = parts.images(3, 0, (16, 16, 3))
    first, second = (method.encode_conditioned(images, np.full(3, k)) for k in (0, 1))
    assert not np.allclose(first, second, atol=1e-3)
    missing = method.encode_conditioned(images, np.array([-1, -1, 7]))
    np.testing.assert_allclose(method.predict(images, verbose=0), missing, atol=1e-5)
    np.testing.assert_allclose(method(images), missing, atol=1e-5)


def test_its_codes_can_be_decoded_without_a_condition(tmp_path):
    method = told_apart(conditional())
    images = parts.images(3, 0, (16, 16, 3))
    decoder = zoo.Decoder.for_images((16, 16, 3), method.code_network, subspaces=SUBSPACES)
    decoder.save(tmp_path / "decoder.keras")
    loaded = keras.models.load_model(tmp_path / "decoder.keras", safe_mode=True)
    for other in (decoder, loaded):
        np.testing.assert_allclose(other(images), method(images), atol=1e-5)


def test_every_image_is_encoded_under_its_own_condition():
    method = told_apart(conditional(missing=1.0))
    [given] = method.batches(toy(), 4).take(1)
    outputs = method.forward(given, training=False)
    places = ["image", *SUBSPACES]
    for place, name in enumerate(places):
        of = given["positives"][name] if place else given["image"]
        z = method.encode_conditioned(of, given["conditions"][:, place])
        expected = method.split(z)[name] if place else z
        found = outputs["keys"][name] if place else outputs["codes"]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    for place, name in enumerate(SUBSPACES, start=3):
        z = method.encode_conditioned(given["negatives"][name], given["conditions"][:, place])
        np.testing.assert_allclose(outputs["hard"][name], method.split(z)[name], atol=1e-5)


@pytest.mark.parametrize(("missing", "moved"), [(0.0, False), (1.0, True)])
def test_in_training_conditions_are_left_out_at_times(missing, moved):
    method = compiled(conditional(missing=missing))
    method.train_step(next(iter(method.batches(toy(), 4))))
    layers = method.encoder._flatten_layers()
    layer = next(x for x in layers if isinstance(x, zoo.layers.ConditionalBatchNormalization))
    assert bool(np.asarray(layer.beta)[-1].any()) == moved
    assert bool(np.asarray(layer.beta)[:-1].any()) != moved


def test_it_goes_on_after_saving_and_exports_both_encodings(tmp_path):
    method = compiled(conditional(missing=0.5, branches=True))
    given = next(iter(method.batches(toy(), 4)))
    method.train_step(given)
    told_apart(method)
    method.save(tmp_path / "method.keras")
    loaded = keras.models.load_model(tmp_path / "method.keras")
    for one in (method, loaded):
        one.train_step(given)
    contract.assert_equal(*(contract.values(contract.state(one)) for one in (method, loaded)))
    zoo.export(method, tmp_path / "1")
    signatures = tf.saved_model.load(tmp_path / "1").signatures
    images, condition = parts.images(3, 0, (16, 16, 3)), np.array([0, 2, -1], "int32")
    found = signatures["encode_conditioned"](image=images, condition=condition)["codes"]
    np.testing.assert_allclose(found, method.encode_conditioned(images, condition), atol=1e-5)
    found = signatures["encode"](image=images)["codes"]
    np.testing.assert_allclose(found, method(images), atol=1e-5)
    card = (tmp_path / "1" / "card.json").read_text()
    assert "image uint8 (N, 16, 16, 3), condition int32 (N,) -> codes float32 (N, 5)" in card


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: make(condition="hue"), "Expected an encoder that depends on a condition.*'hue'"),
        (lambda: conditional(condition="hew"), "Unknown factor 'hew'"),
        (lambda: conditional(missing=1.5), "Expected missing to be a number from 0 to 1"),
        (lambda: conditional(condition=None).batches(toy(), 4), "Expected condition, the factor t"),
        (
            lambda: conditional(conditions=2).batches(toy(), 4),
            "Expected at most 2 values of angle, the conditions that .* Received: 3, of toy",
        ),
        (
            lambda: make().encode_conditioned(parts.images(2), np.zeros(2, int)),
            "Expected an encoder that depends on a condition.*Received one that takes images al",
        ),
        (
            lambda: conditional().encode_conditioned(
                parts.images(2, 0, (16, 16, 3)), np.zeros(3, int)
            ),
            r"Expected condition of shape \(N,\)",
        ),
        (
            lambda: conditional(held=None, ignored=IGNORED, condition=None).batches(toy(), 4),
            "Expected known factors to make batches of, one of which is the condition",
        ),
    ],
)
def test_conditions_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_batches_without_conditions_are_refused():
    method = conditional()
    given = next(iter(method.batches(toy(), 4)))
    conditions = given.pop("conditions")
    with pytest.raises(ValueError, match=r"Expected a dictionary with .*'conditions'"):
        method.forward(given, training=True)
    given["conditions"] = conditions[:, :3]
    with pytest.raises(ValueError, match=r"Expected conditions of shape \(4, 5\), integers, of th"):
        method.forward(given, training=True)


# Bad input


@pytest.mark.parametrize("name", PENALTIES)
def test_strange_weights_are_refused(name):
    network = encoder()
    for weight in (-0.1, float("nan"), float("inf"), True, "1", None):
        message = rf"Expected {name}_weight to be a number of at least 0\. Received: {weight!r}"
        with pytest.raises(ValueError, match=message):
            zoo.SubspaceContrastive(network, SUBSPACES, **{f"{name}_weight": weight})


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"subspaces": {}}, r"Expected subspaces as a dictionary of widths.*Received: \{\}"),
        ({"subspaces": 5}, "Expected subspaces as a dictionary of widths.*Received: 5"),
        ({"subspaces": {"form": 4, "size": 1}}, "width of subspace 'size' to be an integer of at "),
        ({"subspaces": {"": 5}}, r"Expected subspaces called by a word.*Received: ''\."),
        ({"subspaces": {"form": 3, "size": 3}}, r"codes \(N, 6\), the subspaces form 3, size 3 "),
        ({"held": {**HELD, "place": "hue"}}, r"Unknown subspace 'place'\. .*one of: form, size\."),
        ({"held": {"form": "hue"}}, r"Expected held of every subspace\. Received none of 'size'\."),
        ({"held": {**HELD, "size": "sise"}}, r"Unknown factor 'sise'\. Did you mean 'size'"),
        ({"held": {**HELD, "size": ()}}, "Expected a name and at least one factor for every"),
        ({"factor_names": ()}, r"Expected factor_names, the columns.*Received: none\."),
        ({"ignored": IGNORED}, "Expected held, factors that are known, or ignored, views.* both"),
        ({"temperature": 0}, r"Expected temperature to be a number above 0\. Received: 0\."),
        ({"hard_negatives": 1}, "Expected hard_negatives to be True or False"),
        ({"batch_negatives": ["sise"]}, r"Unknown subspace 'sise'\. Did you mean 'size'"),
        ({"batch_negatives": "sise"}, r"Unknown subspace 'sise'\. Did you mean 'size'"),
        ({"batch_negatives": 5}, "Expected batch_negatives as names of subspaces or None"),
        ({"held": {**HELD, "size": 5}}, r"at least one factor for every .*\{'size': 5\}"),
        ({"factor_names": "hue"}, r"Expected factor_names as the columns.*Received: 'hue'\."),
        ({"factor_names": (*NAMES, "hue")}, "Expected factor_names as the columns.*each once"),
        (
            {"batch_negatives": ["form"], "hard_negatives": False},
            r"Expected negatives for every subspace: .* Received none for 'size'\.",
        ),
        ({"club_network": parts.encoder()}, r"with a club_weight above 0.*a weight of 0, 2 sub"),
        (
            {"club_network": parts.encoder(), "club_weight": 1},
            r"Expected a club_network as zoo\.networks\.conditionals makes it, from \(None, 5\)",
        ),
        ({"club_network": "net", "club_weight": 1}, r"Expected a club_network.*Received: 'net'\."),
        (
            {"club_optimizer": "adam", "club_weight": 1},
            r"Expected club_optimizer to be a keras\.optimizers\.Optimizer of its own",
        ),
        ({"seed": -1}, "Expected seed to be an integer of at least 0"),
    ],
)
def test_strange_values_are_refused(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        zoo.SubspaceContrastive(
            encoder(),
            **{"subspaces": SUBSPACES, "held": HELD, "factor_names": NAMES, **hyperparameters},
        )


@pytest.mark.parametrize(
    ("ignored", "message"),
    [
        ({"form": "colour"}, r"Expected ignored of every subspace\. Received none of 'size'\."),
        ({**IGNORED, "form": "color"}, "Unknown transformation 'color'. Did you mean 'colour'"),
    ],
)
def test_strange_views_are_refused(ignored, message):
    with pytest.raises(ValueError, match=message):
        zoo.SubspaceContrastive(
            heads(parts.encoder((16, 16, 3), 5), SUBSPACES), SUBSPACES, ignored=ignored
        )


def test_variances_of_what_no_factor_names_are_refused():
    with pytest.raises(ValueError, match="Expected known factors for variance_weight"):
        of_views(variance_weight=1.0)


def test_directions_of_what_are_no_heads_are_refused():
    told = {"held": HELD, "factor_names": NAMES, "orthogonality_weight": 1.0}
    message = r"Expected an encoder with layers form_head, size_head on one trunk, .*equal width"
    with pytest.raises(ValueError, match=message):
        zoo.SubspaceContrastive(parts.encoder(units=5), SUBSPACES, **told)


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "variance"])
def test_a_penalty_between_one_subspace_is_warned_of(name):
    told = {"subspaces": {"size": 5}, "held": None, f"{name}_weight": 1.0}
    with pytest.warns(UserWarning, match=rf"{name}_weight: between subspaces, of which there is"):
        method = make(**told)
    assert method.terms == ("info_nce_size",)
    with warnings.catch_warnings(action="error"):
        make(**{**told, f"{name}_weight": 0.0, "variance_weight": 1.0})


def test_batches_that_would_lack_negatives_at_times_are_refused():
    method = zoo.SubspaceContrastive.for_images(
        (16, 16, 3), SUBSPACES, held=HELD, factor_names=NAMES, hard_negatives=False
    )
    message = (
        r"Expected a batch_size of at least 21: subspace size has no negatives but other images, "
        r"and smaller batches may hold one of the 2 values of size alone\. Received: 20\."
    )
    with pytest.raises(ValueError, match=message):
        method.batches(toy(), 20)
    assert method.batches(toy(), 21)


def test_a_batch_in_which_a_subspace_has_no_negative_is_refused():
    method, given = compiled(make(hard_negatives=False)), batch(4, hard=False)
    given["factors"][:, 2] = 1
    step = tf.function(method.train_step, autograph=False)
    message = "Expected images of several values of size in a batch: subspace size has no other"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        step(tensors(given))
    given["negatives"] = batch(4)["negatives"]
    compiled(make()).train_step(tensors(given))  # hard negatives are enough


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given.pop("image"), "Expected a dictionary with 'image', 'positives', 'neg"),
        (lambda given: given.pop("factors"), "Expected a dictionary with .*'factors'.*Received"),
        (lambda given: given["positives"].pop("size"), "Expected positives of every subspace, 'f"),
        (lambda given: given["negatives"].pop("size"), "Expected negatives of every subspace, 'f"),
        (
            lambda given: given["positives"].update(size=parts.images(5)),
            r"Expected image and positives of size of one shape\. Received: \(6, 8, 8, 1\) and",
        ),
        (
            lambda given: given.update(factors=np.zeros((6, 2), int)),
            r"Expected factors of shape \(6, 3\), integers of hue, angle, size\. Received shape",
        ),
        (
            lambda given: given.update(factors=np.zeros((6, 3))),
            r"Expected factors of shape \(6, 3\), integers.*dtype: float64",
        ),
    ],
)
def test_batches_that_lack_something_are_refused(change, message):
    given = batch()
    change(given)
    with pytest.raises(ValueError, match=message):
        make().forward(given, training=True)


def test_batches_of_relatives_have_no_codes():
    with pytest.raises(ValueError, match=r"Expected images\. Received: a dictionary with 'image'"):
        make().predict(batch())

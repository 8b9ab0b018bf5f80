"""The FactorVAE: its equation, its two learners, its halves, and what a checkpoint holds of it."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import zoo
from tests import contract, parts
from tests.callbacks import tiny
from tests.contract import MethodContract
from zoo.callbacks import Resume
from zoo.disentangled.factor_vae import permute_dimensions


class TestFactorVAE(MethodContract):
    def make(self):
        return make()


def make(discriminator=None, cls=zoo.FactorVAE, **hyperparameters):
    discriminator = discriminator or parts.discriminator()
    return cls(parts.gaussian_encoder(), parts.decoder(), discriminator, **hyperparameters)


def compiled(optimizer=None, eager=True, **hyperparameters):
    method = make(**hyperparameters)
    method.compile(optimizer or keras.optimizers.SGD(1e-3), run_eagerly=eager, jit_compile=False)
    return method


def evaluated(method, images):
    return method.evaluate(images, verbose=0, return_dict=True)


def batch(n=6, seed=0):
    return ops.convert_to_tensor(parts.images(n, seed))


def log_ratio(logits):
    logits = np.asarray(logits, "float64")
    return logits[:, 0] - logits[:, 1]


# The equation


@pytest.mark.parametrize("n", [6, 7])
@pytest.mark.parametrize("gamma", [0, 10, 35.0])
def test_the_loss_is_the_equation(gamma, n):
    method = compiled(gamma=gamma)
    found = method.forward(batch(n), training=False)
    x, l, mean, logvar = (  # noqa: E741
        np.asarray(found[name], "float64") for name in ("images", "decoded", "mean", "logvar")
    )
    reconstruction = (np.logaddexp(0, l) - x * l).sum(axis=(1, 2, 3)).mean()
    kl = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1).mean()
    ratio = log_ratio(method.discriminator(found["z"]))
    terms = evaluated(method, parts.images(n))
    assert terms["loss"] == pytest.approx(reconstruction + kl + gamma * ratio.mean(), rel=1e-5)
    assert terms["total_correlation"] == pytest.approx(ratio.mean(), rel=1e-5)
    assert terms["reconstruction"] == pytest.approx(reconstruction, rel=1e-5)
    assert terms["kl"] == pytest.approx(kl, rel=1e-5)
    right = [*(ratio[: n // 2] > 0), *(log_ratio(found["permuted_logits"]) < 0)]
    assert terms["discriminator_accuracy"] == pytest.approx(np.mean(right))
    assert len(right) == n


def test_gamma_of_zero_learns_as_the_vae():
    weights = []
    vae = zoo.VAE(parts.gaussian_encoder(), parts.decoder())
    vae.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
    for method in (vae, compiled(gamma=0)):
        method.train_step(batch())
        weights.append([*method.encoder.get_weights(), *method.decoder.get_weights()])
    for got, expected in zip(*weights, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)


def by_hand(method, images, noise, rate, discriminator_rate):
    """One step of Algorithm 2 with two separate losses and plain gradient descent."""
    x = ops.cast(images, "float32") / 255
    networks = method.encoder, method.decoder
    with tf.GradientTape() as tape:
        mean, logvar = method.encoder(x)
        z = mean + ops.exp(logvar / 2) * keras.random.normal(mean.shape, seed=noise)
        bits = keras.losses.binary_crossentropy(x, method.decoder(z), from_logits=True)
        kl = 0.5 * ops.sum(mean**2 + ops.exp(logvar) - logvar - 1) / len(x)
        answers = ops.softmax(method.discriminator(z))
        tc = ops.mean(ops.log(answers[:, 0] / answers[:, 1]))
        loss = ops.sum(bits) / len(x) + kl + method.gamma * tc
    learned = [weight for network in networks for weight in network.trainable_variables]
    gradients = tape.gradient(loss, learned)

    half = len(x) // 2
    second = np.asarray(z)[half:]
    order = np.argsort(keras.random.uniform(second.shape, seed=noise), axis=0)
    columns = [column[rows] for column, rows in zip(second.T, order.T, strict=True)]
    seen = np.concatenate([np.asarray(z)[:half], np.stack(columns, axis=1)])
    labels = np.arange(len(x)) >= half
    weights = np.where(labels, 0.5 / (len(x) - half), 0.5 / half).astype("float32")
    discriminating = method.discriminator.trainable_variables
    with tf.GradientTape() as tape:
        losses = keras.losses.sparse_categorical_crossentropy(
            labels, method.discriminator(seen), from_logits=True
        )
        loss = ops.sum(weights * losses)
    moves = [(w, g, rate) for w, g in zip(learned, gradients, strict=True)]
    gradients = tape.gradient(loss, discriminating)
    moves += [(w, g, discriminator_rate) for w, g in zip(discriminating, gradients, strict=True)]
    for weight, gradient, pace in moves:
        weight.assign(weight - pace * gradient)


@pytest.mark.parametrize("n", [2, 6, 7])
def test_a_step_is_algorithm_2_from_the_weights_before_it(n):
    step, restated = (
        compiled(
            keras.optimizers.SGD(0.01),
            discriminator_optimizer=keras.optimizers.SGD(0.5),
            gamma=3,
            seed=4,
        )
        for _ in range(2)
    )
    noise = keras.random.SeedGenerator(4)
    for seed in range(3):
        step.train_step(batch(n, seed))
        by_hand(restated, batch(n, seed), noise, 0.01, 0.5)
    got, expected = (contract.values(m.trainable_variables) for m in (step, restated))
    contract.assert_close(got, expected, tolerance=1e-4)


def test_the_discriminators_loss_has_no_gradient_in_the_encoder():
    method = compiled()
    with tf.GradientTape(persistent=True) as tape:
        found = method.forward(batch(), training=True)
        of_permuted = ops.sum(found["permuted_logits"])
        of_z = ops.sum(found["logits"])
    encoder = method.encoder.trainable_variables
    assert not any(np.any(gradient) for gradient in tape.gradient(of_permuted, encoder))
    assert all(np.any(gradient) for gradient in tape.gradient(of_z, encoder))  # TC's has a way


# What the discriminator sees


class Listening(keras.layers.Layer):
    """Keeps what passes through."""

    def call(self, codes):
        self.heard = codes
        return codes


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_it_sees_the_first_half_joint_and_the_second_permuted(n):
    listening, inner = Listening(), parts.discriminator()
    codes = keras.layers.Input((parts.LATENTS,))
    method = compiled(discriminator=keras.Model(codes, inner(listening(codes))))
    found = method.forward(batch(n), training=True)
    z, heard = np.asarray(found["z"]), np.asarray(listening.heard)
    permuted, half = heard[n:], n // 2
    np.testing.assert_array_equal(heard[:n], z)
    np.testing.assert_array_equal(np.sort(permuted, axis=0), np.sort(z[half:], axis=0))
    np.testing.assert_array_equal(found["joint_logits"], found["logits"][:half])
    np.testing.assert_allclose(found["permuted_logits"], inner(permuted), rtol=1e-5)
    if n == 8:
        assert not np.array_equal(permuted, z[half:])


def test_each_step_permutes_anew_and_evaluation_does_not():
    codes = ops.convert_to_tensor(np.arange(60.0).reshape(20, 3))
    generator = keras.random.SeedGenerator(0)
    first, second = (np.asarray(permute_dimensions(codes, generator)) for _ in range(2))
    assert not np.array_equal(first, second)
    method, images = compiled(), batch(20)
    answers = [method.forward(images, training=False)["permuted_logits"] for _ in range(2)]
    np.testing.assert_array_equal(*answers)


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_each_dimension_keeps_its_values(n, latents, seed):
    codes = np.random.default_rng(seed).normal(size=(n, latents)).astype("float32")
    permuted = np.asarray(permute_dimensions(codes, seed))
    np.testing.assert_array_equal(np.sort(permuted, axis=0), np.sort(codes, axis=0))


def test_permutations_are_uniform_and_independent():
    draws = 3000
    codes = np.tile(np.arange(3.0)[:, None], (1, 2 * draws))  # 3 rows: 6 orders
    permuted = np.asarray(permute_dimensions(codes, 0)).astype(int)
    orders = (permuted * [[9], [3], [1]]).sum(axis=0)
    pairs, counts = np.unique(orders.reshape(draws, 2), axis=0, return_counts=True)
    assert len(pairs) == 36
    expected = draws / 36
    assert ((counts - expected) ** 2 / expected).sum() < 66.6  # chi-square of 35, p = 0.001


def test_a_batch_of_unknown_size_is_permuted_in_a_graph():
    graph = tf.function(lambda codes: permute_dimensions(codes, 0), autograph=False)
    graph = graph.get_concrete_function(tf.TensorSpec((None, 3), tf.float32))
    codes = np.random.default_rng(0).normal(size=(7, 3)).astype("float32")
    np.testing.assert_array_equal(graph(tf.constant(codes)), permute_dimensions(codes, 0))


# Small batches


def discriminating(method):
    return contract.values(
        [*method.discriminator.variables, *method.discriminator_optimizer.variables]
    )


@pytest.mark.parametrize("eager", [True, False])
def test_a_batch_of_one_leaves_the_discriminator_unchanged(eager):
    method = compiled(eager=eager)
    method.fit(parts.images(4), batch_size=4, verbose=0)  # moments that would go on by themselves
    before, encoder = discriminating(method), method.encoder.get_weights()
    assert np.isfinite(method.fit(parts.images(1), verbose=0).history["loss"]).all()
    contract.assert_equal(discriminating(method), before)
    assert not any(map(np.array_equal, method.encoder.get_weights(), encoder))
    assert int(method.discriminator_optimizer.iterations) == 1


@pytest.mark.parametrize("eager", [True, False])
def test_a_last_batch_of_any_size_is_taken(eager):
    for n, steps in ((9, 2), (10, 3), (11, 3)):  # last batches of 1, 2 and 3
        method = compiled(eager=eager)
        history = method.fit(parts.images(n), batch_size=4, verbose=0, shuffle=False).history
        assert all(np.isfinite(values).all() for values in history.values())
        assert int(method.discriminator_optimizer.iterations) == steps
        assert all(np.isfinite(value).all() for value in discriminating(method))


# What a checkpoint holds


def test_the_papers_optimizer_is_the_default():
    optimizer = make().discriminator_optimizer
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == pytest.approx(1e-4)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.9)


def test_each_optimizer_has_slots_for_its_own_weights_alone():
    method = compiled(keras.optimizers.Adam())
    for optimizer, weights in (
        (method.optimizer, method.learned),
        (method.discriminator_optimizer, method.discriminator.trainable_variables),
    ):
        assert len(optimizer.variables) == 2 + 2 * len(weights)
    both = [*method.learned, *method.discriminator.trainable_variables]
    assert {id(v) for v in both} == {id(v) for v in method.trainable_variables}


def test_another_optimizer_survives_saving_with_its_state(tmp_path):
    method = compiled(discriminator_optimizer=keras.optimizers.SGD(0.1, momentum=0.9))
    method.fit(parts.images(12), batch_size=6, verbose=0)
    method.save(tmp_path / "method.keras")
    loaded = keras.models.load_model(tmp_path / "method.keras")
    assert isinstance(loaded.discriminator_optimizer, keras.optimizers.SGD)
    assert loaded.discriminator_optimizer.momentum == 0.9
    assert int(loaded.discriminator_optimizer.iterations) == 2
    contract.assert_equal(discriminating(loaded), discriminating(method))


class Killed(BaseException):
    """As if the process had died."""


class KillAt(keras.callbacks.Callback):
    """Dies after a step."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step) == self.step:
            raise Killed


def test_a_killed_run_ends_as_one_that_was_not(tmp_path):
    data, ends = tiny.bars(), []
    for name, stops in {"whole": [], "killed": [2, 3, 5]}.items():
        for stop in [*stops, None]:
            method = compiled(keras.optimizers.Adam(1e-2))
            resume = Resume(tmp_path / name, minutes=0)
            kill = [KillAt(stop)] if stop else []
            try:
                history = tiny.fit(method, data, [*kill, resume], start=resume.step)
            except Killed:
                continue
        ends.append([*tiny.everything(method), *history.values()])
    contract.assert_equal(*ends)


# Ways to run


@pytest.mark.slow
def test_a_float16_discriminator_scales_its_loss(mixed_float16, tmp_path):
    method = zoo.FactorVAE.for_images((16, 16, 1), latent_size=2)
    method.compile("adam", jit_compile=False)
    assert type(method.discriminator_optimizer).__name__ == "LossScaleOptimizer"
    before = method.discriminator.get_weights()
    method.fit(parts.images(8, 0, (16, 16, 1)), batch_size=4, verbose=0)
    assert all(np.isfinite(value).all() for value in discriminating(method))
    assert not any(map(np.array_equal, method.discriminator.get_weights(), before))
    method.save(tmp_path / "method.keras")
    loaded = keras.models.load_model(tmp_path / "method.keras")
    contract.assert_equal(discriminating(loaded), discriminating(method))


# Building


def test_for_images_builds_the_papers_networks():
    method = zoo.FactorVAE.for_images((64, 64, 1), latent_size=6, gamma=20, seed=3)
    assert (method.gamma, method.seed, method.latent_size) == (20.0, 3, 6)
    weights = zoo.networks.discriminator(6, seed=5).get_weights()
    assert all(map(np.array_equal, method.discriminator.get_weights(), weights))
    mine = zoo.FactorVAE.for_images((16, 16, 1), 3, discriminator=parts.discriminator())
    assert mine.discriminator.count_params() == parts.discriminator().count_params()


def test_the_papers_gamma_is_the_default():
    expected = {"gamma": 10.0, "reconstruction": "bernoulli", "seed": 0}
    assert make().hyperparameters == expected


def test_a_model_card_takes_it(tmp_path):
    zoo.export(make(), tmp_path / "1")
    card = json.loads((tmp_path / "1" / "card.json").read_text())
    assert card["hyperparameters"] == make().hyperparameters


# Bad input


@pytest.mark.parametrize("gamma", [-0.1, float("nan"), float("inf"), True, "4", None, [4.0]])
def test_a_strange_gamma_is_refused(gamma):
    message = r"Expected gamma to be a number of at least 0\. Received:"
    with pytest.raises(ValueError, match=message):
        make(gamma=gamma)


def test_a_discriminator_that_does_not_fit_is_refused():
    codes = keras.layers.Input((parts.LATENTS,))
    one_logit = keras.Model(codes, keras.layers.Dense(1)(codes))
    message = r"from codes of shape \(None, 3\) to logits of shape \(None, 2\)\. Received one from "
    with pytest.raises(ValueError, match=message + r"\(None, 3\) to \(None, 1\)\."):
        make(one_logit)
    with pytest.raises(ValueError, match=message + r"\(None, 5\) to \(None, 2\)\."):
        make(parts.discriminator(latents=5))
    with pytest.raises(ValueError, match="Received one from"):
        make(parts.gaussian_encoder())


def test_an_optimizer_that_is_at_work_elsewhere_is_refused():
    optimizer = keras.optimizers.Adam()
    make(discriminator_optimizer=optimizer)
    message = r"a keras\.optimizers\.Optimizer of its own, not yet built\. Received: "
    for strange in (optimizer, "adam", 1e-4):
        with pytest.raises(ValueError, match=message):
            make(discriminator_optimizer=strange)


# The estimate of total correlation


def estimated(correlation, steps=150, n=256):
    """What a discriminator that learns alone makes of Gaussian codes with this correlation."""
    latents = len(correlation)
    method = zoo.FactorVAE.for_images((16, 16, 1), latent_size=latents)
    root = np.linalg.cholesky(correlation).astype("float32").T

    def draw(n, seed):
        return keras.random.normal((n, latents), seed=seed) @ root

    @tf.function(autograph=False, jit_compile=False)
    def step():
        codes = draw(n, generator)
        answers = method.discriminate(codes, training=True)
        method.after_update(codes, answers["discriminator_gradients"])

    generator = keras.random.SeedGenerator(0)
    for _ in range(steps):
        step()
    logits = method.discriminate(draw(4000, 1), training=False)["logits"]
    return float(zoo.losses.density_ratio_total_correlation(logits))


@pytest.mark.slow
def test_of_independent_codes_the_estimate_is_zero():
    assert estimated(np.eye(4)) == pytest.approx(0, abs=0.05)


@pytest.mark.slow
def test_of_correlated_codes_the_estimate_is_the_closed_form():
    correlation = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    expected = -0.5 * np.linalg.slogdet(correlation)[1]  # 0.58 nats
    assert estimated(correlation) == pytest.approx(expected, rel=0.15)


# Several devices

SCRIPT = """
import numpy as np, keras, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
from tests import parts
from tests.disentangled.test_factor_vae import make

for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
    strategy = tf.distribute.MirroredStrategy(devices)
    with strategy.scope():
        method = make()
        method.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    before = method.discriminator.get_weights()
    n = len(devices)
    data = tf.data.Dataset.from_tensor_slices(parts.images(9 * n)).batch(4 * n)
    history = method.fit(data, epochs=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values()), history
    assert method.step.numpy() == 6
    assert not any(map(np.array_equal, method.discriminator.get_weights(), before))
    for weight in method.discriminator.weights:
        copies = [np.asarray(v) for v in strategy.experimental_local_results(weight.value)]
        assert all(np.array_equal(copies[0], copy) for copy in copies)
"""


@pytest.mark.slow
def test_it_learns_on_one_mirrored_device_and_on_two():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr

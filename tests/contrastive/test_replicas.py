"""Two replicas with N images each learn what one learns with 2N."""

import subprocess
import sys

import keras
import pytest
from keras import layers

import zoo
from tests import parts
from tests.contract import TwoViewContract
from tests.contrastive import test_subspace_contrastive as subspaces

SCRIPT = """
import sys, importlib
import numpy as np, keras, tensorflow as tf
from zoo.optimizers import LARS
cpu, = tf.config.list_physical_devices("CPU")
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
module, cls, optimizer = sys.argv[1:]
contract = getattr(importlib.import_module(module), cls)()

results = []
for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
    strategy = tf.distribute.MirroredStrategy(devices)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        method = contract.make()
        rates = {"SGD": keras.optimizers.SGD(0.01), "LARS": LARS(0.1, trust_coefficient=0.1)}
        method.compile(rates[optimizer], jit_compile=False)
    wholes = [contract.batch(8, seed) for seed in range(6)]
    whole = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *wholes)
    images = tf.data.Dataset.from_tensor_slices(whole)
    data = images.take(43).batch(8)  # the last batch is of 3, for two replicas 2 and 1
    history = method.fit(data, epochs=2, verbose=0).history
    results.append((method.get_weights(), history))
    for weight in method.variables:  # the same on every replica
        copies = [np.asarray(v) for v in strategy.experimental_local_results(weight.value)]
        assert all(np.array_equal(copies[0], copy) for copy in copies), weight.path
    if method.batch_sizes[1] < 48:  # no replica has too many, both together do
        try:
            method.fit(images.batch(method.batch_sizes[1] + 1), verbose=0)
        except tf.errors.InvalidArgumentError as refusal:
            assert "Expected batches of " in str(refusal), refusal
        else:
            raise AssertionError("a batch of too many was taken")
(one, alone), (two, shared) = results
for got, expected in zip(two, one, strict=True):
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
for name in alone:
    np.testing.assert_allclose(shared[name], alone[name], rtol=1e-4, atol=1e-5, err_msg=name)
"""


def encoder():
    """Convolution and batch normalisation, as the zoo's networks have it."""
    images = layers.Input(parts.IMAGE_SHAPE)
    x = layers.Conv2D(4, 3, 2, kernel_initializer=next(parts.glorots(3)))(images)
    x = layers.ReLU()(zoo.layers.BatchNormalization(synchronized=True)(x))
    return keras.Model(images, layers.GlobalAveragePooling2D()(x))


class NormalizedSimCLR(TwoViewContract):
    def make(self):
        return zoo.SimCLR(encoder(), zoo.networks.projector(4, (5, 3)))


class NormalizedMoCo(TwoViewContract):
    def make(self):
        return zoo.MoCo(encoder(), zoo.networks.projector(4, (5, 3)), queue_size=20, decay=0.9)


class NormalizedBarlowTwins(TwoViewContract):
    def make(self):
        return zoo.BarlowTwins(encoder(), zoo.networks.projector(4, (5, 3)))


class PenalisedSubspaces(subspaces.TestSubspaceContrastive):
    def make(self):
        """The bound's network by plain gradients: Adam makes much of what rounding leaves."""
        names = ("club", "hsic", "orthogonality", "variance")
        weights = {f"{name}_weight": 1.0 for name in names}
        return subspaces.make(club_optimizer=keras.optimizers.SGD(0.01), **weights)


EXCHANGED = """
import itertools
import numpy as np, keras, tensorflow as tf, zoo
from keras import layers
cpu, = tf.config.list_physical_devices("CPU")
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    normalize = layers.BatchNormalization(synchronized=False, epsilon=1e-3)
    encoder = keras.Sequential([keras.Input((1, 1, 3)), layers.Flatten(), normalize])
    same = layers.Dense(3, use_bias=False, kernel_initializer="identity")
    method = zoo.MoCo(encoder, keras.Sequential([keras.Input((3,)), same]), queue_size=16)
images = np.random.default_rng(0).random((8, 1, 1, 3), "float32")

def normalized(rows):
    return (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + 1e-3)

def groups(given):
    # The halves of the images, of each of which the statistics are its own, that explain what came
    rows, explained = images.reshape(8, 3), []
    for half in itertools.combinations(range(8), 4):
        other = [i for i in range(8) if i not in half]
        expected = np.empty_like(rows)
        expected[[*half]], expected[other] = normalized(rows[[*half]]), normalized(rows[other])
        explained += [half] if np.allclose(given, expected, atol=1e-4) and 0 in half else []
    return explained

@tf.function
def encoded(mine):
    return strategy.run(
        lambda mine: (method.project(mine, True), method.encode_keys(mine, True)), args=(mine,)
    )

found = []
for step in range(4):
    method.step.assign(step)
    parts = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(images[4 * context.replica_id_in_sync_group:][:4])
    )
    queries, keys = (
        np.concatenate(strategy.experimental_local_results(part)) for part in encoded(parts)
    )
    assert groups(queries) == [(0, 1, 2, 3)], groups(queries)
    half, = groups(keys)
    assert half != (0, 1, 2, 3), half
    found.append(half)
assert len(set(found)) > 1, found
"""


CONTRACTS = {
    "contrastive.test_barlow_twins": ("TestBarlowTwins",),
    "contrastive.test_simclr": ("TestSimCLR",),
    "contrastive.test_byol": ("TestBYOL",),
    "contrastive.test_margin_contrastive": ("TestMarginContrastive",),
    "contrastive.test_moco": ("TestMoCo", "TestSymmetricMoCo"),
    "contrastive.test_moco_v3": ("TestMoCoV3",),
    "contrastive.test_simsiam": ("TestSimSiam",),
    "contrastive.test_sup_con": ("TestSupCon",),
    "contrastive.test_vicreg": ("TestVICReg",),
    "partial.test_lws": ("TestLWS",),
    "partial.test_pico": ("TestPiCO",),
    "contrastive.test_replicas": (
        "NormalizedSimCLR",
        "NormalizedMoCo",
        "NormalizedBarlowTwins",
        "PenalisedSubspaces",
    ),
}
CASES = [(module, name, "SGD") for module, names in CONTRACTS.items() for name in names]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "contract", "optimizer"),
    [*CASES, ("contrastive.test_replicas", "NormalizedSimCLR", "LARS")],
)
def test_two_replicas_learn_as_one(module, contract, optimizer):
    check(SCRIPT, f"tests.{module}", contract, optimizer)


@pytest.mark.slow
def test_keys_are_normalised_with_images_that_replicas_exchanged():
    """Queries by their own replica's statistics; keys by those of other halves in each step."""
    check(EXCHANGED)


def check(script, *arguments):
    run = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr

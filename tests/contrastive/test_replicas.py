"""Two replicas with N images each learn what one learns with 2N."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys, importlib
import numpy as np, keras, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
module, cls = sys.argv[1:]
contract = getattr(importlib.import_module(module), cls)()

results = []
for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
    strategy = tf.distribute.MirroredStrategy(devices)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        method = contract.make()
        method.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    wholes = [contract.batch(8, seed) for seed in range(6)]
    whole = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *wholes)
    data = tf.data.Dataset.from_tensor_slices(whole).batch(8)
    history = method.fit(data, epochs=2, verbose=0).history
    results.append((method.get_weights(), history))
    for weight in method.variables:  # the same on every replica
        copies = [np.asarray(v) for v in strategy.experimental_local_results(weight.value)]
        assert all(np.array_equal(copies[0], copy) for copy in copies), weight.path
(one, alone), (two, shared) = results
for got, expected in zip(two, one, strict=True):
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
for name in alone:
    np.testing.assert_allclose(shared[name], alone[name], rtol=1e-4, atol=1e-5, err_msg=name)
"""

CONTRACTS = {
    "test_barlow_twins": ("TestBarlowTwins",),
    "test_simclr": ("TestSimCLR",),
    "test_byol": ("TestBYOL",),
    "test_margin_contrastive": ("TestMarginContrastive",),
    "test_moco": ("TestMoCo", "TestSymmetricMoCo"),
    "test_moco_v3": ("TestMoCoV3",),
    "test_simsiam": ("TestSimSiam",),
    "test_sup_con": ("TestSupCon",),
    "test_vicreg": ("TestVICReg",),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "contract"),
    [(module, name) for module, names in CONTRACTS.items() for name in names],
)
def test_two_replicas_learn_as_one(module, contract):
    arguments = [f"tests.contrastive.{module}", contract]
    run = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr

"""The AnnealedVAE: its equation, and a capacity that keeps its schedule whatever happens."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import parts
from tests.callbacks import tiny
from tests.contract import MethodContract, assert_equal
from zoo.callbacks import Resume


class TestAnnealedVAE(MethodContract):
    def make(self):
        return make()


def make(gamma=10.0, total_steps=8, cls=zoo.AnnealedVAE, **hyperparameters):
    networks = parts.gaussian_encoder(), parts.decoder()
    return cls(*networks, gamma=gamma, total_steps=total_steps, **hyperparameters)


def compiled(eager=True, steps_per_execution=1, **hyperparameters):
    method = make(**hyperparameters)
    method.compile(
        keras.optimizers.SGD(1e-4),
        run_eagerly=eager,
        jit_compile=False,
        steps_per_execution=steps_per_execution,
    )
    return method


def evaluated(method):
    return method.evaluate(parts.images(), verbose=0, return_dict=True)


# The equation


@pytest.mark.parametrize("step", [0, 3, 1000])
@pytest.mark.parametrize("gamma", [0, 10, 1000.0])
def test_the_loss_is_the_equation(gamma, step):
    method = compiled(gamma=gamma)
    method.step.assign(step)
    found = method.forward(ops.convert_to_tensor(parts.images()), training=False)
    x, l, mean, logvar = (  # noqa: E741
        np.asarray(found[name], "float64") for name in ("images", "decoded", "mean", "logvar")
    )
    reconstruction = (np.logaddexp(0, l) - x * l).sum(axis=(1, 2, 3)).mean()
    kl = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1).mean()
    capacity = 25 * min(step / 4, 1)
    terms = evaluated(method)
    assert terms["loss"] == pytest.approx(reconstruction + gamma * abs(kl - capacity), rel=1e-5)
    assert terms["kl"] == pytest.approx(kl, rel=1e-5)
    assert terms["capacity"] == pytest.approx(capacity)


def test_the_distance_counts_on_either_side_of_the_capacity():
    images = np.zeros((2, 8, 8, 1), "float32")
    mean = np.full((2, 3), 2.0, "float32")  # a KL of 6 nats
    terms = {
        capacity: make().objective(images, images, mean, 0 * mean, capacity)
        for capacity in (5.0, 6.0, 7.0)
    }
    losses = {c: float(t["loss"] - t["reconstruction"]) for c, t in terms.items()}
    assert losses == pytest.approx({5.0: 10, 6.0: 0, 7.0: 10}, abs=1e-4)


# The schedule


@pytest.mark.parametrize(
    ("settings", "capacities"),
    [
        ({}, [0, 6.25, 12.5, 18.75, 25, 25, 25]),
        ({"annealing": 1.0, "capacity": 8}, [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]),
        ({"annealing": 0.25, "capacity": 6}, [0, 3, 6, 6]),
        ({"annealing": 0, "capacity": 6}, [6, 6]),
        ({"capacity": 0}, [0, 0]),
        ({"total_steps": 1}, [0, 25]),
    ],
)
def test_capacity_rises_linearly_and_stays(settings, capacities):
    method = make(**settings)
    assert [float(method.capacity_at(step)) for step in range(len(capacities))] == capacities


@pytest.mark.parametrize("steps", [1, 2])
def test_each_step_has_the_capacity_of_its_place(steps):
    method = compiled(eager=False, steps_per_execution=steps)
    history = method.fit(parts.images(12), batch_size=3, epochs=2, verbose=0).history
    assert history["capacity"] == [(0 + 6.25 + 12.5 + 18.75) / 4, 25]


def test_evaluation_takes_the_capacity_as_it_stands():
    method = compiled()
    assert evaluated(method)["capacity"] == 0
    method.fit(parts.images(6), batch_size=3, verbose=0)
    for _ in range(2):  # and leaves it there
        assert evaluated(method)["capacity"] == 12.5


def test_capacity_goes_on_after_loading(tmp_path):
    method = compiled()
    method.fit(parts.images(9), batch_size=3, verbose=0)
    method.save(tmp_path / "method.keras")
    loaded = keras.models.load_model(tmp_path / "method.keras")
    assert evaluated(loaded)["capacity"] == 18.75
    assert loaded.fit(parts.images(3), verbose=0).history["capacity"] == [18.75]


class Killed(BaseException):
    """As if the process had died."""


def test_a_killed_run_keeps_its_schedule(tmp_path):
    def die(batch, logs=None):
        if int(method.step) == 3:
            raise Killed

    data, ends = tiny.bars(), []
    for name, deaths in {"whole": [], "killed": [keras.callbacks.LambdaCallback()]}.items():
        for death in [*deaths, None]:
            method, resume = compiled(), Resume(tmp_path / name, minutes=0)
            if death:
                death.on_train_batch_end = die
            try:
                before = [death] if death else []
                history = tiny.fit(method, data, [*before, resume], start=resume.step)
            except Killed:
                continue
        ends.append([*tiny.everything(method), *history.values()])
    assert history["capacity"] == [3.125, 15.625, 25]
    assert_equal(*ends)


@pytest.mark.slow
def test_the_kl_follows_the_capacity():
    images = np.zeros((64, 8, 8, 1), "uint8")
    images[np.arange(64), np.arange(64) % 8] = 255  # a bar in one of eight rows
    for capacity in (1.0, 3.0):
        method = make(gamma=100.0, capacity=capacity, total_steps=100)
        method.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
        history = method.fit(images, batch_size=16, epochs=25, verbose=0, shuffle=False).history
        assert history["kl"][-1] == pytest.approx(capacity, abs=0.3)
        assert history["kl"][5] < history["kl"][-1]


# Arguments


def test_the_papers_settings_are_the_defaults():
    method = zoo.AnnealedVAE(parts.gaussian_encoder(), parts.decoder())
    assert (method.gamma, method.capacity) == (1000.0, 25.0)
    assert method.annealing * method.total_steps == 100_000


@pytest.mark.parametrize("name", ["gamma", "capacity"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), True, "4", None])
def test_a_strange_weight_or_capacity_is_refused(name, value):
    message = rf"Expected {name} to be a number of at least 0\. Received:"
    with pytest.raises(ValueError, match=message):
        make(**{name: value})


@pytest.mark.parametrize("annealing", [-0.1, 1.1, float("nan"), "half", None])
def test_a_strange_share_is_refused(annealing):
    message = r"Expected annealing to be a number from 0 to 1\. Received:"
    with pytest.raises(ValueError, match=message):
        make(annealing=annealing)


@pytest.mark.parametrize("steps", [0, -1, 10.0, True, None])
def test_a_strange_length_is_refused(steps):
    message = r"Expected total_steps to be an integer of at least 1\. Received:"
    with pytest.raises(ValueError, match=message):
        make(total_steps=steps)

"""Adam in one pass: Keras's own Adam is the reference. LARS: restated in NumPy."""

import doctest
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import optimizers
from zoo.optimizers import LARS, FusedAdam


def test_the_examples_are_true():
    assert doctest.testmod(optimizers).failed == 0


def trained(cls, steps=10, jit_compile=False, **settings):
    """Three weights and the optimizer's variables after some steps."""
    random = np.random.default_rng(0)
    weights = [keras.Variable(random.normal(size=(4, 5)).astype("float32")) for _ in range(3)]
    optimizer = cls(1e-2, beta_1=0.5, beta_2=0.9, **settings)
    optimizer.build(weights)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def step(i):
        optimizer.apply([tf.sin(weight * (i + 1)) for weight in weights], weights)

    for i in range(steps):
        step(tf.constant(float(i)))
    return [variable.numpy() for variable in (*weights, *optimizer.variables)]


def assert_alike(got, expected):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"epsilon": 1e-3},
        {"weight_decay": 0.1},
        {"clipnorm": 0.1},
        {"amsgrad": True},
        {"loss_scale_factor": 8.0},
    ],
)
def test_it_is_keras_adam(settings):
    assert_alike(trained(FusedAdam, **settings), trained(keras.optimizers.Adam, **settings))


def test_it_is_the_same_under_xla():
    assert_alike(trained(FusedAdam, jit_compile=True), trained(keras.optimizers.Adam))


def test_sparse_gradients_are_taken():
    rows = [tf.Variable(tf.ones((4, 2))) for _ in range(2)]
    for row, cls in zip(rows, (FusedAdam, keras.optimizers.Adam), strict=True):
        optimizer = cls(0.1)
        optimizer.build([row])
        gradient = tf.IndexedSlices(tf.ones((1, 2)), tf.constant([2]), tf.constant([4, 2]))
        optimizer.apply([gradient], [row])
    assert_alike(rows[:1], rows[1:])
    assert not np.array_equal(rows[0], np.ones((4, 2)))


def test_it_keeps_its_settings():
    config = keras.saving.serialize_keras_object(FusedAdam(1e-4, beta_1=0.5, epsilon=1e-3))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is FusedAdam
    assert (again.beta_1, again.epsilon) == (0.5, 1e-3)
    assert float(again.learning_rate) == pytest.approx(1e-4)


# LARS

SHAPES = [(3, 3, 4, 5), (5, 6), (6,), ()]  # a convolution, a dense layer, a bias, a temperature
RATES = [0.5, 0.5, 0.25, 0.1, 0.3]


def weights_and_gradients():
    random = np.random.default_rng(0)
    weights = [random.normal(size=shape).astype("float32") for shape in SHAPES]
    gradients = [[random.normal(size=s).astype("float32") for s in SHAPES] for _ in RATES]
    return weights, gradients


def schedule():
    return keras.optimizers.schedules.PiecewiseConstantDecay([0, 1, 2, 3], RATES)


def restated(weights, gradients, rates, momentum, weight_decay, trust_coefficient):
    """The weights and their momenta after all steps: the equation, in float64."""
    weights = [weight.astype("float64") for weight in weights]
    momenta = [np.zeros_like(weight) for weight in weights]
    for step, rate in zip(gradients, rates, strict=True):
        for i, (w, g) in enumerate(zip(weights, step, strict=True)):
            u = g.astype("float64")
            if w.ndim > 1:
                u = u + weight_decay * w
                u = u * trust_coefficient * np.sqrt(np.sum(w**2)) / np.sqrt(np.sum(u**2))
            momenta[i] = momentum * momenta[i] + u
            weights[i] = w - rate * momenta[i]
    return weights, momenta


def moved(optimizer, weights, gradients, jit_compile=False):
    """The weights and their momenta after all steps."""
    variables = [keras.Variable(weight) for weight in weights]
    optimizer.build(variables)
    step = tf.function(lambda *g: optimizer.apply(g, variables), jit_compile=jit_compile)
    for g in gradients:
        step(*map(tf.constant, g))
    return [v.numpy() for v in variables], [m.numpy() for m in optimizer.variables[-len(weights) :]]


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": 0.9, "weight_decay": 1e-6, "trust_coefficient": 1e-3},
        {"momentum": 0.5, "weight_decay": 0.3, "trust_coefficient": 0.02},
        {"momentum": 0.0, "weight_decay": 0.0, "trust_coefficient": 1.0},
    ],
)
def test_lars_is_its_equation(settings, jit_compile):
    weights, gradients = weights_and_gradients()
    got = moved(LARS(schedule(), **settings), weights, gradients, jit_compile)
    expected = restated(weights, gradients, RATES, **settings)
    for a, b in zip(itertools.chain(*got), itertools.chain(*expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_biases_and_normalisation_move_by_plain_momentum():
    weights, gradients = weights_and_gradients()
    got, _ = moved(LARS(0.1, weight_decay=0.5, trust_coefficient=0.02), weights, gradients)
    plain, _ = moved(keras.optimizers.SGD(0.1, momentum=0.9), weights, gradients)
    same = [np.allclose(a, b, rtol=1e-5) for a, b in zip(got, plain, strict=True)]
    assert same == [False, False, True, True]


def test_the_step_is_in_proportion_to_the_weights():
    """Of whatever length the gradient is: what LARS is for."""
    weights = [np.full((4, 4), 2.0, "float32")]
    for length in (1e-6, 1.0, 1e6):
        gradient = np.full((4, 4), length, "float32")
        [got], _ = moved(LARS(1.0, weight_decay=0.0, trust_coefficient=0.01), weights, [[gradient]])
        np.testing.assert_allclose(got, 2.0 - 0.01 * 2.0, rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(("weight", "gradient"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_zeros_make_no_nan(weight, gradient, jit_compile):
    weights, gradients = (np.full((2, 3), x, "float32") for x in (weight, gradient))
    optimizer = LARS(0.1, weight_decay=0.0)
    [got], _ = moved(optimizer, [weights], [[gradients]] * 2, jit_compile)
    # From zero weights the first step is a plain one; the second moves 0.1 by 0.9 of that.
    np.testing.assert_allclose(got, weight - gradient * (0.1 + 0.09), atol=2e-4)


def test_weights_may_be_left_out_of_the_decay():
    weights, gradients = weights_and_gradients()
    optimizer = LARS(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["variable"])
    got, _ = moved(optimizer, weights, gradients)
    without, _ = moved(LARS(0.1, weight_decay=0.0), weights, gradients)
    for a, b in zip(got, without, strict=True):
        np.testing.assert_array_equal(a, b)


def test_lars_keeps_its_settings():
    given = {"momentum": 0.8, "weight_decay": 1e-4, "trust_coefficient": 0.02}
    config = keras.saving.serialize_keras_object(LARS(schedule(), clipnorm=1.0, **given))
    assert config["registered_name"] == "zoo>LARS"
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is LARS
    assert {name: getattr(again, name) for name in given} == given
    assert again.clipnorm == 1.0
    assert again.get_config() == LARS.from_config(again.get_config()).get_config()


def test_a_saved_model_goes_on_as_if_it_had_not_been_saved(tmp_path):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(16, 4)), random.normal(size=(16, 2))

    def fit(model, epochs):
        model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
        return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]

    def model():
        start = keras.initializers.GlorotUniform(seed=0)
        made = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(2, kernel_initializer=start)]
        )
        rate = keras.optimizers.schedules.CosineDecay(0.0, 4, warmup_target=1.0, warmup_steps=2)
        made.compile(LARS(rate, trust_coefficient=0.1), "mse")
        return made

    whole = fit(model(), 3)
    half = model()
    fit(half, 1)
    half.save(tmp_path / "model.keras")
    rest = fit(keras.models.load_model(tmp_path / "model.keras"), 2)
    assert all(map(np.array_equal, rest, whole))
    assert any(momentum.any() for momentum in whole[-2:])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_lars_in_mixed_precision(policy):
    layer = keras.layers.Dense(2, dtype=policy)
    model = keras.Sequential([keras.Input((4,)), layer])
    optimizer = LARS(1.0, trust_coefficient=0.1)
    if policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=4.0)
    model.compile(optimizer, "mse")
    before = layer.get_weights()
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    for a, b in zip(layer.get_weights(), before, strict=True):
        assert a.dtype == np.float32
        assert np.isfinite(a).all()
        assert not np.array_equal(a, b)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": 1.5}, r"Expected momentum to be a number from 0 to 1\. Received: 1\.5\."),
        ({"weight_decay": -1}, r"Expected weight_decay to be .* at least 0\. Received: -1\."),
        ({"weight_decay": None}, r"Expected weight_decay to be .* Received: None\."),
        (
            {"trust_coefficient": 0},
            r"Expected trust_coefficient to be a number above 0\. Received: 0\.",
        ),
    ],
)
def test_lars_refuses_what_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        LARS(**settings)

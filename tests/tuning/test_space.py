"""What is searched: the method's own space, changed, fixed and joined."""

import pytest

from tuning.space import Knob, applied, hyperparameters, space_of, values_of
from zoo import registry
from zoo.training import arguments

BETA = Knob(name="beta", low=0.5, high=32.0, scale="log")


@pytest.mark.parametrize("name", [n for n, cls in registry.methods().items() if cls.search_space])
def test_every_search_space_can_be_searched(name):
    space = space_of(name)
    assert [(k.name, k.low, k.high, k.scale) for k in space] == [
        (knob, *limits) for knob, limits in registry.method(name).search_space.items()
    ]
    found = hyperparameters(space)
    assert [hp.name for hp in found.space] == [knob.name for knob in space]
    for hp, knob in zip(found.space, space, strict=True):
        assert hp.prob_to_value(0.0) == pytest.approx(knob.low)
        assert hp.prob_to_value(1.0 - 1e-12) == pytest.approx(knob.high, rel=1e-6)


def test_ranges_change_fix_and_join():
    ranges = {"learning_rate": (1e-4, 1e-2), "latent_size": (4, 16, "linear")}
    assert space_of("beta_vae", ranges=ranges) == (
        BETA,
        Knob(name="learning_rate", low=1e-4, high=1e-2, scale="log"),
        Knob(name="latent_size", low=4, high=16, whole=True),
    )
    assert space_of("beta_vae", ranges={"beta": (1, 8)}) == (
        Knob(name="beta", low=1.0, high=8.0, scale="log"),  # the scale is the method's
    )
    assert [k.name for k in space_of("moco", fixed=["decay"])] == ["temperature"]


WIDE = ["factor_vae", "margin_contrastive", "moco", "pico", "proden", "subspace_contrastive", "vae"]


@pytest.mark.parametrize(
    ("name", "more"),
    [*((name, {}) for name in WIDE), ("subspace_contrastive", {"branches": True})],
)
def test_the_width_of_networks_can_join(name, more):
    (*_, width) = space_of(name, ranges={"width": (0.5, 2)})
    assert width == Knob(name="width", low=0.5, high=2.0)
    cls = registry.method(name)
    known = {"num_classes": 2, "num_samples": 8} if cls.learns_candidates else {}
    told = {n: v for n, v in known.items() if n in arguments(cls)}
    if "network" in arguments(cls):
        told["network"] = "convnet"
    if "subspaces" in arguments(cls):
        told |= {"subspaces": {"a": 2, "b": 2}, "ignored": {"a": "crop", "b": "colour"}, **more}
    one, two = (cls.for_images((16, 16, 1), **told, width=width) for width in (0.25, 0.5))
    assert one.encoder.count_params() < two.encoder.count_params()


@pytest.mark.parametrize(
    ("given", "scale"),
    [((1, 9.9), "linear"), ((1, 10), "log"), ((0, 100), "linear"), ((-1, 1), "linear")],
)
def test_a_range_of_a_decade_is_spread_on_a_log_scale(given, scale):
    assert space_of("vae", ranges={"learning_rate": given})[0].scale == scale


@pytest.mark.parametrize(
    ("method", "fixed", "ranges", "said"),
    [
        ("beta_vae", (), {"beta": (8, 1)}, "the range of beta to rise. Received: 8 to 1."),
        ("beta_vae", (), {"beta": (8, 8)}, "the range of beta to rise. Received: 8 to 8."),
        ("beta_vae", (), {"beta": (0, 8, "log")}, "the range of beta above 0"),
        ("beta_vae", (), {"beta": (1, 8, "lgo")}, "Did you mean 'log'"),
        ("beta_vae", (), {"beta": (1,)}, "Expected the range of beta as low, high and"),
        ("beta_vae", (), {"beta": 5}, "Expected the range of beta as low, high and"),
        ("beta_vae", (), {"beta": "18"}, "Expected the range of beta as low, high and"),
        ("beta_vae", (), {"beta": (1, "x")}, "a finite number. Received: 'x'."),
        ("beta_vae", (), {"beta": (1, float("inf"))}, "a finite number. Received: inf."),
        ("beta_vae", (), {"latent_size": (2.5, 8)}, "an integer. Received: 2.5."),
        ("beta_vae", (), {"bta": (1, 8)}, "Unknown argument of beta_vae 'bta'. Did you mean"),
        ("beta_vae", (), {"recon": (1, 8)}, "'recon'. Expected one of: beta, latent_size, learn"),
        ("beta_vae", (), {"reconstruction": (1, 8)}, "which is 'bernoulli' by default."),
        ("beta_vae", ("beta",), {"beta": (1, 8)}, "Expected beta to be set or varied."),
        ("beta_vae", ("beta",), {}, "beta_vae has no search space but what is set."),
        ("vae", (), {}, "vae has no search space of its own. Name a range, e.g. --range"),
    ],
)
def test_bad_spaces_are_refused(method, fixed, ranges, said):
    with pytest.raises(ValueError, match=r"Expected|Unknown") as error:
        space_of(method, fixed, ranges)
    assert said in str(error.value)


def test_a_grid_is_a_few_values_of_each():
    latent = Knob(name="latent_size", low=4, high=6, whole=True)
    found = hyperparameters((BETA, latent), grid=True)
    assert [hp.values for hp in found.space] == [[0.5, 1.41, 4.0, 11.3, 32.0], [4, 5, 6]]


def test_values_are_short_and_within_their_range():
    knobs = (BETA, Knob(name="latent_size", low=4, high=16, whole=True))
    found = {"beta": 3.14159265, "latent_size": 7, "tuner/epochs": 3}
    assert values_of(knobs, found) == {"beta": 3.142, "latent_size": 7}
    narrow = Knob(name="beta", low=1.00004, high=1.00006)
    assert narrow.rounded(1.00005) == 1.00004


def test_values_go_where_they_belong():
    settings = {"learning_rate": 1.0, "steps": 4, "hyperparameters": {"beta": 1, "latent_size": 3}}
    assert applied(settings, {"beta": 2, "learning_rate": 0.5}) == {
        "learning_rate": 0.5,
        "steps": 4,
        "hyperparameters": {"beta": 2, "latent_size": 3},
    }
    assert settings["hyperparameters"]["beta"] == 1

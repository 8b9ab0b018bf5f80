"""What a search asks for: names, directions, what data can give, and losses that do not compare."""

import numpy as np
import pytest

import zoo
from tests import parts
from tests.callbacks import tiny
from tests.told import numbered
from tuning import objectives
from tuning.objectives import Objective, check_data, given_by, objective_of
from zoo.data.pixels import ArrayPixels
from zoo.metrics import scoring
from zoo.runs import Settings


@pytest.mark.parametrize(
    ("name", "score", "direction", "metrics"),
    [
        ("mig", "mig", "max", ("mig",)),
        ("dci", "dci_disentanglement", "max", ("dci_disentanglement",)),
        ("knn_accuracy", "knn", "max", ("knn",)),
        ("uniformity", "uniformity", "min", ("uniformity",)),
        ("gaussian_total_correlation", "gaussian_total_correlation", "min", None),
        ("udr", "udr", "max", ()),
        ("loss", "loss", "min", ()),
        ("reconstruction", "reconstruction", "min", ()),
    ],
)
def test_every_objective_has_a_direction(name, score, direction, metrics):
    found = objective_of("beta_vae", name, seeds=2)
    assert (found.score, found.direction) == (score, direction)
    assert found.metrics == ((score,) if metrics is None else metrics)
    better, worse = (2.0, 1.0) if direction == "max" else (1.0, 2.0)
    assert found.better(better, worse)
    assert not found.better(worse, better)
    assert not found.better(worse, worse)


def test_less_is_better_for_what_its_docstring_says():
    assert {*objectives.LESS_IS_BETTER} - {*scoring.scores()} == {
        "loss",
        "reconstruction",
        "weights",
    }
    for name, metric in scoring.scores().items():
        if "To be minimised" in (metric.function.__doc__ or ""):
            assert Objective(name).direction == "min", name


@pytest.mark.parametrize(
    ("method", "name", "seeds", "said"),
    [
        ("beta_vae", "mgi", 1, "Unknown objective for beta_vae 'mgi'. Did you mean 'mig'"),
        ("simclr", "reconstruction", 1, "Unknown objective for simclr 'reconstruction'."),
        ("beta_vae", "covering_rate", 1, "Unknown objective for beta_vae 'covering_rate'."),
        ("beta_vae", "kl", 1, "Unknown objective for beta_vae 'kl'."),  # neither way is better
        ("beta_vae", "udr", 1, "Expected seeds of 2 or more for udr"),
    ],
)
def test_what_no_data_could_give_is_refused(method, name, seeds, said):
    with pytest.raises(ValueError, match=r"Unknown|Expected") as error:
        objective_of(method, name, seeds)
    assert said in str(error.value)


def test_what_the_data_cannot_give_is_refused_with_what_they_can():
    digits = zoo.data.load("digits")
    with pytest.raises(ValueError, match="Expected an objective that beta_vae on digits") as error:
        check_data("beta_vae", Objective("mig"), digits)
    said = str(error.value)
    assert "knn" in said
    assert "udr" in said
    assert "sap" not in said
    assert said.endswith("Received: mig, which needs factors.")
    for name in ("knn_accuracy", "linear_probe", "udr", "loss", "uniformity"):
        check_data("beta_vae", Objective(name), digits)


def test_all_messages_list_objectives_by_the_same_names():
    """None that is refused afterwards, and none by two names."""
    digits = zoo.data.load("digits")
    listed = []
    for method, subspaces in (("beta_vae", False), ("subspace_contrastive", True)):
        with pytest.raises(ValueError, match="Unknown objective") as error:
            objective_of(method, "nonsense", seeds=1)
        known = str(error.value).split("one of: ")[1].rstrip(".").split(", ")
        assert {"knn_accuracy", "dci", "mig"} <= {*known}
        assert not {"knn", "dci_disentanglement", "dci_informativeness"} & {*known}
        assert any(name.startswith("subspace") for name in known) == subspaces
        listed.append(known)
    with pytest.raises(ValueError, match="can give") as error:
        check_data("beta_vae", Objective("mig"), digits)
    given = str(error.value).split("give: ")[1].split(". Received")[0].split(", ")
    assert {*given} < {*listed[0]}
    assert "knn_accuracy" in given


def test_candidates_alone_give_the_criteria_that_need_no_truth():
    blind, seen = numbered(labels=False), numbered()
    assert {"covering_rate", "approximated_accuracy"} <= {*given_by("cc", blind)}
    assert {"accuracy", "disambiguated", "knn"} & {*given_by("cc", blind)} == set()
    assert {"accuracy", "disambiguated"} <= {*given_by("cc", seen)}
    with pytest.raises(ValueError, match="accuracy, which needs true labels"):
        check_data("cc", Objective("accuracy"), blind)


def test_codes_of_subspaces_are_scored_as_such():
    digits, bars = zoo.data.load("digits"), tiny.bars()
    of_factors = {"subspace_mig", "subspace_probe_held", "subspace_probe_leak"}
    assert {"subspace_information", *of_factors} <= {*given_by("subspace_contrastive", bars)}
    assert {"subspace_information"} <= {*given_by("subspace_contrastive", digits)} - of_factors
    with pytest.raises(ValueError, match=r"which needs factors and subspaces\.$"):
        check_data("subspace_contrastive", Objective("subspace_mig"), digits)
    with pytest.raises(ValueError, match=r"which needs factors and subspaces\.$"):
        check_data("beta_vae", Objective("subspace_mig"), bars)


class Encoder:
    """Codes that are the given columns of an image's first pixels."""

    def __init__(self, mixing):
        self.mixing = mixing

    def predict(self, images, batch_size, verbose):
        return images.reshape(len(images), -1)[:, :3].astype(float) @ self.mixing


def test_udr_is_high_for_seeds_that_agree():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (400, 8, 8, 1)).astype("uint8")
    pixels = zoo.data.Images("noise", ArrayPixels(images))
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    agreed = objectives.udr_of([Encoder(np.eye(3)), Encoder(np.eye(3)[::-1])], pixels)
    apart = objectives.udr_of([Encoder(np.eye(3)), Encoder(turned)], pixels)
    assert agreed.value > 0.85
    assert apart.value < agreed.value - 0.1
    assert agreed.protocol == {"data": "noise", "samples": 400, "models": 2, "seed": 0}


def test_udr_takes_methods_with_and_without_a_posterior():
    data = tiny.bars()
    shape, told = data.image_shape, {"ignored": {"form": "colour", "size": ("crop", "flip")}}
    widths = {"form": 2, "size": 2}
    for methods in (
        [zoo.SubspaceContrastive.for_images(shape, widths, seed=i, **told) for i in (0, 1)],
        [zoo.VAE(parts.gaussian_encoder(shape), parts.decoder(shape)) for _ in range(2)],
    ):
        assert 0 <= objectives.udr_of(methods, data).value <= 1


def ends(method, name, low, high, **given):
    told = {"data": "digits", "image_size": 16, "steps": 4, "epochs": 1, "batch_size": 8}
    recipe = zoo.methods()[method].recipe
    return tuple(
        Settings.merged(
            method, recipe, {**told, **given, "hyperparameters": {name: value, **SMALL[method]}}
        )
        for value in (low, high)
    )


SMALL = {
    "beta_vae": {},
    "annealed_vae": {},
    "moco": {"network": "convnet", "queue_size": 64, "projection_sizes": [8]},
}


@pytest.mark.parametrize(
    ("method", "name", "low", "high", "rescales"),
    [
        ("beta_vae", "beta", 1.0, 4.0, True),
        ("beta_vae", "latent_size", 2, 3, False),  # another network
        ("annealed_vae", "capacity", 5.0, 50.0, True),  # though not before the first step
        ("moco", "decay", 0.9, 0.99, False),
    ],
)
def test_a_number_that_rescales_the_loss_is_found(method, name, low, high, rescales):
    data = zoo.data.load("digits", size=16)
    both = ends(method, name, low, high)
    found = objectives.rescaling({name: both}, data)
    assert found == (name if rescales else None)

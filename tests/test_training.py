import inspect
import io

import keras
import numpy as np
import pytest
from rich.console import Console

import zoo
from zoo import training
from zoo.runs import Run, Settings


def settings(**changed):
    tiny = {"data": "digits", "steps": 4, "epochs": 2, "batch_size": 8, "learning_rate": 1e-3}
    return Settings(**{"method": "beta_vae", **tiny, **changed})


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


# What can be set


def test_every_argument_of_constructor_and_networks_can_be_set():
    known = training.arguments(zoo.BetaVAE)
    assert {name: p.default for name, p in known.items()} == {
        "latent_size": 10,
        "width": 1.0,
        "beta": 4.0,
        "reconstruction": "bernoulli",
    }


def test_parts_and_what_has_a_flag_of_its_own_cannot_be_set():
    parts = {
        "encoder",
        "decoder",
        "discriminator",
        "discriminator_optimizer",
        "projector",
        "predictor",
        "classifier",
        "club_network",
        "club_optimizer",
    }
    for cls in zoo.methods().values():
        left_out = {"self", "image_shape", "seed", "kwargs", *parts}
        assert not left_out & set(training.arguments(cls))
        spelled = set(inspect.signature(cls.__init__).parameters) - left_out
        assert spelled <= set(training.arguments(cls))


def test_only_plain_values_are_arguments():
    known = {*training.arguments(zoo.FactorVAE)}
    assert known == {"latent_size", "width", "gamma", "reconstruction"}


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"bta": 4}, "Unknown argument of beta_vae 'bta'. Did you mean 'beta'"),
        ({"seed": 4}, "Unknown argument of beta_vae 'seed'"),
        ({"beta": -1}, "Expected beta to be a number of at least 0. Received: -1."),
        ({"beta": np.nan}, "Expected beta to be a number of at least 0. Received: nan."),
        ({"beta": "much"}, "Expected beta to be a number of at least 0. Received: 'much'."),
        ({"latent_size": 0}, "Received: 0"),
        ({"latent_size": 2.5}, "Received: 2.5"),
        ({"reconstruction": "gaussia"}, "Did you mean 'gaussian'"),
    ],
)
def test_hyperparameters_are_refused_before_any_work(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        training.check_hyperparameters(settings(hyperparameters=hyperparameters))


def test_images_that_are_too_small_are_refused_before_any_work():
    with pytest.raises(ValueError, match=r"at least 16 x 16 pixels\. Received: 8 x 8"):
        training.check_hyperparameters(settings(image_size=8))


def test_what_can_be_is_not_refused():
    good = {"beta": 0, "latent_size": 1, "reconstruction": "gaussian"}
    training.check_hyperparameters(settings(hyperparameters=good, image_size=17))


# Building


def test_batches_with_one_image_twice_are_refused_where_images_are_compared():
    data = zoo.data.load("digits").resized(16)
    told = Settings.merged("simclr", zoo.SimCLR.recipe, {"batch_size": 1498})
    with pytest.raises(ValueError, match=r"batch_size of at most 1,497.*Received: 1,498\."):
        training.build_for(data, told)


def rates(told):
    rate = training.optimizer_for(told)._learning_rate  # the schedule, where there is one
    return [float(rate(step)) if callable(rate) else float(rate) for step in range(told.steps + 1)]


def test_the_learning_rate_rises_and_falls_as_a_cosine():
    told = settings(steps=12, warmup_steps=4, schedule="cosine", learning_rate=0.5)
    falling = 0.25 * (1 + np.cos(np.pi * np.arange(9) / 8))
    np.testing.assert_allclose(rates(told), [0, 0.125, 0.25, 0.375, *falling], atol=1e-6)


@pytest.mark.parametrize("warmup", [0, 2])
def test_a_constant_learning_rate_stays(warmup):
    told = settings(steps=6, warmup_steps=warmup, learning_rate=0.5)
    np.testing.assert_allclose(rates(told)[warmup:], 0.5)


def test_optimizers_are_built_by_name():
    sgd = training.optimizer_for(settings(optimizer="sgd", weight_decay=1e-4))
    assert (type(sgd).__name__, sgd.momentum, sgd.weight_decay) == ("SGD", 0.9, 1e-4)
    adam = training.optimizer_for(settings())
    assert (type(adam).__name__, adam.weight_decay) == ("Adam", None)
    lars = training.optimizer_for(settings(optimizer="lars", weight_decay=1e-6))
    assert (type(lars).__name__, lars.momentum, lars.weight_decay) == ("LARS", 0.9, 1e-6)


def test_a_method_is_built_as_it_was_told(console):
    told = settings(learning_rate=0.5, seed=3, hyperparameters={"beta": 7, "latent_size": 2})
    method = training.build(told, (16, 16, 1), {})
    assert (method.beta, method.latent_size, method.seed) == (7.0, 2, 3)
    assert method.optimizer.learning_rate.numpy() == 0.5
    assert isinstance(method.optimizer, keras.optimizers.Adam)


def test_what_the_data_know_is_filled_in(monkeypatch):
    received = {}

    class Fake:
        from_data = ("dataset_size", "num_classes")
        from_encoder = ()

        def __init__(self, encoder: keras.Model, dataset_size, num_classes, total_steps, beta=1):
            pass

        @classmethod
        def for_images(cls, image_shape, seed=0, **hyperparameters):
            received.update(hyperparameters, seed=seed)
            return cls

        @staticmethod
        def compile(optimizer):
            pass

    monkeypatch.setattr(training.registry, "method", lambda name: Fake)
    facts = training.facts_of(zoo.data.load("digits"))
    training.build(settings(hyperparameters={"beta": 3, "num_classes": 2}), (8, 8, 1), facts)
    assert received == {
        "dataset_size": 1497,
        "num_classes": 2,
        "total_steps": 4,
        "beta": 3,
        "seed": 0,
    }


def test_a_run_knows_the_arguments_that_it_had():
    told = settings(method="annealed_vae", steps=40, hyperparameters={"gamma": 5})
    method = training.build(told, (16, 16, 1), {})
    arguments = training.effective_arguments(told, {})
    assert (arguments["total_steps"], arguments["gamma"], arguments["capacity"]) == (40, 5, 25.0)
    assert {**arguments, "gamma": 5.0} == {
        **{k: v for k, v in method.hyperparameters.items() if k != "seed"},
        "latent_size": 10,
        "width": 1.0,
    }
    told = settings(method="beta_tcvae")
    assert training.effective_arguments(told, {"dataset_size": 7})["dataset_size"] == 7


@pytest.mark.parametrize(("name", "kept"), [("sup_con", 1344), ("margin_contrastive", 1344)])
def test_labels_that_choose_are_not_learned(name, kept):
    digits = zoo.data.load("digits")
    learned = training.learned_from(digits, settings(method=name))
    assert len(learned.train) == kept
    [scorer] = training.scorers_for(settings(method=name), digits)
    asked = {image.tobytes() for image in scorer._draw().images}
    assert asked == {image.tobytes() for image in learned.test.images}
    assert not asked & {image.tobytes() for image in learned.train.images}


def test_without_labels_the_whole_training_half_is_learned_from(toy_factors):
    digits = zoo.data.load("digits")
    assert training.learned_from(digits, settings(method="simclr")) is digits
    assert training.learned_from(toy_factors, settings(method="sup_con")) is toy_factors


def test_a_method_that_learns_labels_trains_on_the_rest(tmp_path, console):
    run = Run(tmp_path / "run")
    networks = {"network": "convnet", "latent_size": 4}
    told = settings(
        method="margin_contrastive", image_size=16, steps=1, epochs=1, hyperparameters=networks
    )
    training.train(told, run, console)
    assert run.config["images"] == 1344
    assert "MarginContrastive on 1,344 images of 16x16x1" in console.file.getvalue()
    assert {"feature_deviation", "effective_rank"} < {*run.read("history")}  # what Collapse watches
    assert {*run.read("scores")} == {"knn"}


def test_small_images_are_enlarged_unless_a_size_is_asked_for(console):
    assert training.load_data(settings(), console).image_shape == (16, 16, 1)
    assert "digits: images enlarged to 16 pixels a side" in console.file.getvalue()
    assert training.load_data(settings(image_size=20), console).image_shape == (20, 20, 1)


def test_layers_compute_in_the_precision_that_is_asked_for(mixed_float16):
    for precision, dtype in (("float32", "float32"), ("mixed_bfloat16", "bfloat16")):
        method = training.build(settings(precision=precision), (16, 16, 1), {})
        assert method.encoder.layers[1].compute_dtype == dtype
        assert method.encoder.layers[1].variable_dtype == "float32"
        assert method.predict(np.zeros((2, 16, 16, 1), "uint8"), verbose=0).dtype == "float32"
    assert keras.config.dtype_policy().name == "mixed_float16"  # as it was


def test_a_subset_keeps_values_of_factors(console):
    told = settings(data="coloured_sprites", subset={"scale": 0, "shape": [0, 2]})
    whole = zoo.data.load("coloured_sprites")
    factors = dict(zip(whole.factor_names, whole.factor_sizes, strict=True))
    assert factors["shape"] == 3
    kept = 2 * len(whole) // (3 * factors["scale"])
    assert len(training.load_data(told, console)) == kept


def test_data_with_factors_or_classes_are_scored(toy_factors):
    digits = zoo.data.load("digits")

    def written(data, **told):
        return [scorer.writes for scorer in training.scorers_for(settings(**told), data)]

    assert written(digits) == [("knn",)]
    assert written(digits.train) == []
    assert written(digits, metrics=["active_units"]) == [("active_units",)]
    [scorer] = training.scorers_for(settings(samples=30, seed=2), toy_factors)
    assert (scorer.samples, scorer.seed) == (30, 2)
    assert scorer.writes == ("mig", "sap")
    assert written(toy_factors, metrics=["sap"]) == [("sap",)]


def test_candidates_are_scored_besides():
    told = settings(method="cc", candidates="uniform:0.3", samples=30, seed=2)
    data = told.with_candidates(zoo.data.load("digits"))
    first, second = training.scorers_for(told, data)
    assert (first.writes, first.samples, first.seed) == (tuple(zoo.disambiguation.SCORES), 30, 2)
    assert second.writes == ("knn",)


@pytest.fixture
def toy_factors():
    from zoo.data import FactorData
    from zoo.data.pixels import ArrayPixels

    images = np.zeros((6, 16, 16, 1), np.uint8)
    factors = np.indices((2, 3)).reshape(2, -1).T
    return FactorData("toy", ArrayPixels(images), factors, ("hue", "size"))


# Training


def test_a_loss_that_is_no_number_fails_the_run(tmp_path, console):
    run = Run(tmp_path / "run")
    with pytest.raises(training.RunFailed, match=r"The loss is nan in epoch 1\."):
        training.train(settings(learning_rate=1e30), run, console)
    assert run.exists
    assert not run.model_path.exists()


def test_data_that_are_not_there_leave_the_old_run(tmp_path, console):
    run = Run(tmp_path / "run")
    run.write("config", {"settings": {}, "data": {}})
    with pytest.raises(FileNotFoundError):
        training.train(settings(data=f"folder:{tmp_path}/none"), run, console)
    assert run.read("config") == {"settings": {}, "data": {}}


@pytest.mark.parametrize("batch_size", [1, 1498])
def test_batches_that_the_method_cannot_take_leave_the_old_run(tmp_path, console, batch_size):
    run = Run(tmp_path / "run")
    run.write("config", {"settings": {}, "data": {}})
    told = settings(method="beta_tcvae", batch_size=batch_size)
    with pytest.raises(ValueError, match=rf"2 to 1497 images.*Received: batches of {batch_size}\."):
        training.train(told, run, console)
    assert run.read("config") == {"settings": {}, "data": {}}


def test_a_finished_run_goes_on_to_the_same_end(digits_run, tmp_path, console):
    import shutil

    run = Run(shutil.copytree(digits_run, tmp_path / "[red] copy"))  # rich could misread it
    before = run.read("history"), [w.numpy() for w in run.load_method().weights]
    training.train(run.settings, run, console, resume=True)
    assert "resuming at step 4 of 4" in console.file.getvalue()
    assert f"\n{run.path} holds the run:\n" in console.file.getvalue()
    assert run.read("history") == before[0]
    for old, new in zip(before[1], run.load_method().weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())

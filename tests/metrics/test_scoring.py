"""Scores carry the protocol that they were computed by; encoders are scored on a data set."""

import json
import re

import numpy as np
import pytest

import zoo.metrics
from zoo.metrics import Pool, Score, evaluate, mig, sap, score_codes, scores


class Squares:
    """Images whose first pixels are their factors, and a record of what was drawn."""

    name = "squares"
    factor_names = ("shape", "scale")
    factor_sizes = (3, 4)

    def __init__(self):
        self.draws = []

    def sample(self, n, seed):
        self.draws.append((n, seed))
        factors = np.random.default_rng(seed).integers(0, self.factor_sizes, (n, 2))
        images = np.zeros((n, 4, 4, 1), np.uint8)
        images[:, 0, :2, 0] = factors
        return images, factors


def pixels(images):
    """An encoder that reads the factors off."""
    return images[:, 0, :, 0].astype(np.float32)


def test_a_score_reads_as_a_line():
    protocol = {"data": "dsprites", "samples": 10_000, "predictor": "svm", "seed": 0}
    assert str(Score("sap", 0.04567, protocol)) == (
        "sap 0.046 (data dsprites, 10,000 samples, predictor svm, seed 0)"
    )
    assert str(Score("mig", 1.0)) == "mig 1.000"


def test_a_score_survives_json():
    score = Score("mig", 0.25, {"samples": 100, "bins": 20, "seed": 0})
    assert Score(**json.loads(json.dumps(score.to_json()))) == score


def test_scores_are_found_by_their_signatures(monkeypatch):
    assert {"mig", "sap"} <= set(scores())
    assert "mutual_information" not in scores()  # a matrix

    def brand_new(codes, factors, depth: int = 3) -> float:
        return float(len(codes) * depth)

    monkeypatch.setattr(zoo.metrics, "brand_new", brand_new, raising=False)
    monkeypatch.setattr(zoo.metrics, "__all__", [*zoo.metrics.__all__, "brand_new"])
    score = score_codes(["brand_new"], np.zeros((5, 2)), np.zeros((5, 2), int))["brand_new"]
    assert (score.value, score.protocol) == (15.0, {"samples": 5, "depth": 3, "seed": 0})


def test_evaluate_gives_each_score_with_its_protocol():
    results = evaluate(pixels, Squares(), samples=300, test_samples=200, seed=4)
    assert list(results) == ["mig", "sap"]
    assert results["mig"].value > 0.9
    assert results["mig"].protocol == {"data": "squares", "samples": 300, "bins": 20, "seed": 4}
    assert results["sap"].protocol == {
        "data": "squares",
        "samples": 300,
        "test_samples": 200,
        "predictor": "svm",
        "seed": 4,
    }


def test_evaluate_equals_the_metrics_on_the_pool():
    pool = Pool.draw(Squares(), samples=300, test_samples=200)
    results = pool.score(pixels)
    train = pixels(pool.images), pool.factors
    assert results["mig"].value == mig(*train)
    assert results["sap"].value == sap(*train, pixels(pool.test_images), pool.test_factors)
    again = evaluate(pixels, Squares(), samples=300, test_samples=200)
    assert again == results


def test_a_pool_is_drawn_once_and_scored_often():
    data = Squares()
    pool = Pool.draw(data, samples=100, test_samples=50, seed=1)
    drawn = list(data.draws)
    assert pool.score(pixels)["mig"].value > pool.score(lambda x: 0 * pixels(x))["mig"].value == 0
    assert data.draws == drawn


def test_the_parts_are_drawn_apart_and_only_as_needed():
    both, alone = Squares(), Squares()
    Pool.draw(both, ("mig", "sap"), samples=100, test_samples=50, seed=1)
    pool = Pool.draw(alone, ("mig",), samples=100, test_samples=50, seed=1)
    (first, first_seed), (second, second_seed) = both.draws
    assert (first, second) == (100, 50)
    assert first_seed != second_seed
    assert alone.draws == both.draws[:1]  # MIG sees the same samples whatever stands beside it
    assert pool.test_images is None


def test_without_test_codes_the_protocol_has_no_test_samples(factors):
    protocol = score_codes(["sap"], factors, factors)["sap"].protocol
    assert protocol == {"samples": 2000, "predictor": "svm", "seed": 0}


def test_the_protocol_says_that_continuous_factors_are_binned(factors):
    score = score_codes(["mig"], factors, factors / 10, protocol={"data": "poses"})["mig"]
    assert str(score) == f"mig {score.value:.3f} (data poses, 2,000 samples, factors binned, " + (
        "20 bins, seed 0)"
    )


def test_an_unknown_metric_is_refused_before_anything_is_drawn():
    data = Squares()
    message = "Unknown metric 'mgi'. Did you mean 'mig'? Expected one of: "
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        evaluate(pixels, data, metrics=("mgi",))
    assert data.draws == []


def test_one_name_need_not_be_in_a_list():
    assert list(evaluate(pixels, Squares(), metrics="mig", samples=100)) == ["mig"]


def test_data_without_factors_are_refused():
    class Labelled:
        name = "mnist"

    message = (
        "Expected a data set with known factors (factor_names, sample). "
        "Received: mnist, which has none."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        evaluate(pixels, Labelled())


@pytest.mark.parametrize("argument", ["samples", "test_samples"])
@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_a_bad_number_of_samples_is_refused(argument, count):
    message = f"Expected {argument} to be an integer of at least 1. Received: {count!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        evaluate(pixels, Squares(), **{argument: count})


def test_a_negative_seed_is_refused(factors):
    message = r"^Expected seed to be an integer of at least 0\. Received: -1\.$"
    with pytest.raises(ValueError, match=message):
        evaluate(pixels, Squares(), seed=-1)
    with pytest.raises(ValueError, match=message):
        sap(factors, factors, seed=-1)


def test_codes_of_a_broken_encoder_are_refused():
    with pytest.raises(ValueError, match="finite codes"):
        evaluate(lambda images: np.nan * pixels(images), Squares(), samples=100)
    with pytest.raises(ValueError, match=r"codes of shape \(N, L\)"):
        evaluate(lambda images: images, Squares(), samples=100)

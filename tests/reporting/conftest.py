"""Small images whose contents are known, and runs that look like finished ones."""

import numpy as np
import pytest

from zoo.files import to_json_number
from zoo.metrics.scoring import Score
from zoo.reporting.drawn import Drawn
from zoo.runs import Run, Settings


@pytest.fixture
def moving():
    """(3, 4, 8, 8, 1): row 0 is a bar that walks right, row 1 one that walks down, row 2 stays."""
    images = np.full((3, 4, 8, 8, 1), 20, np.uint8)
    for step in range(4):
        images[0, step, :, 2 * step] = 220
        images[1, step, 2 * step, :] = 220
    images[2, :, 3:5, 3:5] = 120
    return images


def _texts(figure):
    """Every text on a page, in drawing order."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def _inside(figure):
    """Whether every text lies on the page."""
    figure.canvas.draw()
    page = figure.bbox
    return all(
        page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        for axes in figure.axes
        for ticks in [[*axes.get_xticklabels(), *axes.get_yticklabels()] if axes.axison else []]
        for text in [*axes.texts, *ticks]
        for box in [text.get_window_extent()]
    )


def _overlapping(figure):
    """The pairs of texts that cover one another."""
    figure.canvas.draw()
    boxes = [
        (text.get_text(), text.get_window_extent())
        for axes in figure.axes
        for text in axes.texts
        if text.get_text() and not text.get_rotation()
    ]
    return [
        (one, two)
        for index, (one, a) in enumerate(boxes)
        for two, b in boxes[index + 1 :]
        if a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1
    ]


@pytest.fixture
def texts():
    return _texts


@pytest.fixture
def inside():
    return _inside


@pytest.fixture
def overlapping():
    return _overlapping


FACTORS = ["shape", "x_position"]


def drawn_arrays(factors=True, shade=200, latents=3):
    """Arrays behind the pictures of a tiny run; the last latent is unused."""
    rng = np.random.default_rng(0)
    arrays = {
        "originals": rng.integers(0, 256, (4, 8, 8, 1), np.uint8),
        "reconstructions": np.full((4, 8, 8, 1), shade, np.uint8),
        "traversal": rng.integers(0, 256, (latents, 5, 8, 8, 1), np.uint8),
        "values": np.linspace(-2, 2, 5),
        "kl": np.array([0.5, 2.25, 0.001] + [0.0] * (latents - 3)),
    }
    if factors:
        shares = np.array([[0.02, 0.62], [0.31, 0.001], [0.0, 0.0]])
        arrays |= {"factors": np.array(FACTORS)}
        arrays |= {"information": np.concatenate([shares, np.zeros((latents - 3, 2))])}
    return Drawn(**arrays, protocol="100 samples, 20 bins, seed 0")


WHOLE = drawn_arrays()


def compared_arrays(classes=True, correlation=True):
    """Arrays behind the pictures of a tiny run of a method that compares views."""
    rng = np.random.default_rng(0)
    arrays = {
        "views": rng.integers(0, 256, (3, 4, 8, 8, 1), np.uint8),
        "preset": "views digits, seed 0",
        "points": rng.standard_normal((20, 2)),
        "explained": np.array([0.5, 0.25]),
        "sampled": "20 held-out images of digits, seed 0",
        "neighbours": rng.integers(0, 256, (2, 4, 8, 8, 1), np.uint8),
        "cosines": np.array([[0.9, 0.8, 0.75], [0.5, 0.25, -0.125]]),
        "positive": np.linspace(0.5, 1, 9),
        "negative": np.linspace(-1, 0, 90),
        "negatives": "views of other classes",
        "compared": "8 images of digits, views digits, seed 0",
    }
    if classes:
        arrays |= {"labels": np.arange(20) % 2, "names": np.array(["cat", "dog"])}
        arrays |= {"classes": np.array([[0, 0, 1, 0], [1, 1, 1, 1]])}
    if correlation:
        matrix = np.array([[1.0, -0.5], [0.25, 0.75]])
        arrays |= {"correlation": matrix, "correlated": "2 x 2 dimensions."}
    return Drawn(**arrays, protocol="20 samples, 20 bins, seed 0")


def _score(name, value, **protocol):
    protocol = {"data": "dsprites", "samples": 100, "seed": 0, **protocol}
    return Score(name, value, protocol).to_json()


@pytest.fixture
def make_run(tmp_path):
    """Writes a finished run as `zoo train` leaves it, without a training, and gives its Run."""

    def make(
        path="run",
        settings=None,
        mig=0.25,
        protocol=None,
        evaluation=None,
        drawn=WHOLE,
        confusion=None,
    ):
        run = Run(tmp_path / path)
        told = {
            "method": "beta_vae",
            "data": "dsprites",
            "image_size": 32,
            "steps": 300,
            "epochs": 3,
            "batch_size": 16,
            "learning_rate": 1e-3,
            "hyperparameters": {"beta": 4.0},
            **(settings or {}),
        }
        told = Settings(**told).model_dump()
        epochs = told["epochs"]
        history = {
            "loss": [90.5, 70.25, 60.125][:epochs],
            "reconstruction": [90.0, 65.0, 52.5][:epochs],
            "kl": [0.125, 1.25, 2.5][:epochs],
        }
        scores = {}
        if mig is not None:
            history["mig"] = [0.01, 0.1, to_json_number(mig)][-epochs:]
            scores["mig"] = _score("mig", mig, bins=20, **(protocol or {}))
        config = {
            "settings": told,
            "data": {"name": told["data"], "size": [32, 32]},
            "images": 737_280,
            "arguments": {
                "latent_size": 3,
                "reconstruction": "bernoulli",
                **told["hyperparameters"],
            },
            "versions": {"python": "3.11.7", "keras": "3.15.1"},
        }
        run.write("config", config)
        run.write("history", history)
        run.write("scores", scores)
        if evaluation is not None:
            listed = {name: _score(name, value) for name, value in evaluation.items()}
            run.write("evaluation", listed)
        if confusion is not None:
            names = [f"class {i}" for i in range(len(confusion))]
            protocol = {"data": "digits", "samples": 30}
            table = {"class_names": names, "matrix": confusion, "protocol": protocol}
            run.write("confusion", table)
        if drawn is not None:
            drawn.save(run.pictures / "drawn.npz")
        run.model_path.touch()
        return run

    return make

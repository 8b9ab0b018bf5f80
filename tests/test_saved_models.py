"""The exports that the repository carries."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent.parent / "saved_models"


def test_the_main_jobs_export_is_whole_and_small():
    folder = FOLDER / "beta_vae-dsprites" / "1"
    size = sum(path.stat().st_size for path in folder.parent.rglob("*") if path.is_file())
    assert size < 5 * 2**20
    card = json.loads((folder / "card.json").read_text())
    assert card["method"] == "BetaVAE"
    assert card["scores"]["mig"]["value"] > 0.25
    assert card["scores"]["mig"]["protocol"]["samples"] == 10_000
    assert (folder / "README.md").read_text().startswith("# BetaVAE")
    model = tf.saved_model.load(str(folder))
    images = np.zeros((3, 32, 32, 1), "uint8")
    images[1, 4:10, 4:10] = images[2, 20:26, 20:26] = 255
    codes = model.signatures["encode"](image=images)["codes"].numpy()
    assert codes.shape == (3, 10)
    # A code goes back to a white patch at about its place.
    decoded = model.signatures["decode"](codes=codes)["image"].numpy().astype(float)
    rows = np.arange(32)[:, None, None]
    heights = [(image * rows).sum() / image.sum() for image in decoded[1:]]
    np.testing.assert_allclose(heights, [6.5, 22.5], atol=2.5)

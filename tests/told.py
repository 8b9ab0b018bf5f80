"""A method that knows what it is told of each image, and images that say who they are."""

import keras
import numpy as np
from keras import ops

import zoo
from tests import parts
from zoo.data import LabelledData, LabelledImages
from zoo.data.pixels import ArrayPixels

CLASSES = ("cat", "dog", "owl", "wren")


class Told(zoo.Method):
    """Says of image number i what row i of a table says, to any question; it learns nothing."""

    learns_labels = learns_candidates = True

    def __init__(self, encoder, **kwargs):
        super().__init__(encoder, **kwargs)
        self.probabilities = self.confidence = None

    def classify(self, images, batch_size=None):
        return self.probabilities[images[:, 0, 0, 0]]

    def resolve(self, images, candidates, index=None, batch_size=None):
        self.asked = index
        return self.confidence[images[:, 0, 0, 0]] * candidates

    def batches(self, data, batch_size, seed=0, start=0):
        return data.train.batches(batch_size, seed, start)

    def forward(self, batch, training):
        return {"codes": self.encoder(self.prepare(batch), training=training)}

    def objective(self, codes):
        return {"loss": 0 * ops.mean(codes)}


def told(probabilities=None, confidence=None):
    """A compiled one."""
    method = Told(parts.encoder())
    method.probabilities, method.confidence = probabilities, confidence
    method.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return method


def numbered(n=200, labels=True, candidates=None, test=0):
    """Images of 8x8 whose number is in every pixel, of class number % 4, and their candidates."""
    number = np.arange(n, dtype="uint8")
    pixels = ArrayPixels(np.broadcast_to(number[:, None, None, None], (n, *parts.IMAGE_SHAPE)))
    true = number % 4
    halves = [
        LabelledImages("numbers", pixels, true[rows] if labels else None, rows)
        for rows in (np.arange(n - test), np.arange(n - test, n))
    ]
    data = LabelledData("numbers", *halves, CLASSES if labels else ())
    if candidates is None:
        candidates = zoo.data.partial_labels(true[: n - test], 4, 0.5, seed=0)
    return data.with_candidates(candidates, CLASSES)

"""CC: the label is one of the candidates, whichever, so their probabilities are added.

Feng et al., Provably Consistent Partial-Label Learning, NeurIPS 2020. With the candidates S of an
image and the classifier's probabilities p, the classifier-consistent loss is
    L = -log sum_(j in S) p_j.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo import losses
from zoo.partial_label import PartialLabel, laptop_recipe
from zoo.replicas import gather


class CC(PartialLabel):
    """Raises the probability of the candidates together; which of them it is falls out by itself.

    It classifies the weak view and keeps no table, so it cannot tell of what images its batches
    were: that it learns from `data.validation()`, where it is scored by the rest, is for the caller
    to see to, as `zoo train` does. With one candidate each it is plain
    classification by cross-entropy: the bound that the others are compared with.

    Args:
        encoder: As for `PartialLabel`.
        classifier: As for `PartialLabel`.
        views: As for `PartialLabel`. The paper has none: it learns from images as they are.

    Raises:
        ValueError: As for `PartialLabel`.

    Example:
        >>> import numpy as np
        >>> method = CC.for_images((16, 16, 1), num_classes=3, network="convnet")
        >>> method.compile(optimizer="adam")
        >>> weak, strong = np.random.default_rng(0).random((2, 4, 16, 16, 1), "float32")
        >>> sets = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]], "float32")
        >>> batch = {"weak": weak, "strong": strong, "index": np.arange(4), "candidates": sets}
        >>> history = method.fit(batch, verbose=0)
        >>> method.resolve(weak, sets).round(3)[1]
        array([0., 1., 0.], dtype=float32)
    """

    terms = ("candidate_probability",)
    recipe = laptop_recipe()

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Logits (N, C) of the weak views, and the candidates (N, C), of all replicas."""
        given = self.parts(batch)
        return {
            "logits": gather(self.logits(given.weak, training)),
            "candidates": gather(given.candidates),
        }

    def objective(self, logits: Any, candidates: Any) -> dict[str, Any]:
        """The equation, and the probability whose logarithm it takes.

        Returns:
            loss: In nats.
            candidate_probability: That of all candidates together, in the mean of the images.
        """
        probability = ops.sum(ops.softmax(logits) * candidates, axis=1)
        return {
            "loss": losses.classifier_consistent(logits, candidates),
            "candidate_probability": ops.mean(probability),
        }

"""PRODEN: what the classifier thinks of an image's candidates is what it learns next of them.

Lv et al., Progressive Identification of True Labels for Partial-Label Learning, ICML 2020. With
the candidates S of an image, its weights w and the classifier's probabilities p, the loss is
    L = -sum_(j in S) w_j log p_j,
and the weights, 1 / |S| at first, become those of the classifier within S:
    w_j <- p_j / sum_(k in S) p_k   for j in S, else 0.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo import losses
from zoo.losses.partial_label import among
from zoo.partial_label import WithConfidence, laptop_recipe


class PRODEN(WithConfidence):
    """Learns labels by their weights, which are the classifier's own last words on the image.

    It classifies the weak view. The weights that a step learns by are from the step in which the
    image was last seen.

    Args:
        encoder: As for `WithConfidence`.
        classifier: As for `WithConfidence`.
        num_samples: As for `WithConfidence`.
        views: As for `WithConfidence`. The paper has none: it learns from images as they are.

    Attributes:
        confidence: The weights w, as for `WithConfidence`.

    Raises:
        ValueError: As for `WithConfidence`.

    Example:
        >>> import numpy as np
        >>> method = PRODEN.for_images((16, 16, 1), 3, network="convnet", num_samples=4)
        >>> method.compile(optimizer="adam")
        >>> weak, strong = np.random.default_rng(0).random((2, 4, 16, 16, 1), "float32")
        >>> sets = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]], "float32")
        >>> batch = {"weak": weak, "strong": strong, "index": np.arange(4), "candidates": sets}
        >>> history = method.fit(batch, verbose=0)
        >>> np.asarray(method.confidence)[1]
        array([0., 1., 0.], dtype=float32)
    """

    terms = ("certainty",)
    recipe = laptop_recipe()

    def objective(self, logits: Any, confidence: Any) -> dict[str, Any]:
        """The equation, and how sure it is.

        Returns:
            loss: In nats.
            certainty: The largest weight of a candidate of an image, in the mean: 1 where all
                labels of the batch are resolved.
        """
        return {
            "loss": losses.confidence_cross_entropy(logits, confidence),
            "certainty": ops.mean(ops.max(confidence, axis=1)),
        }

    def after_update(self, logits: Any, candidates: Any, index: Any) -> None:
        """The new weights, by the logits of the step."""
        self.remember(self.confidence, index, ops.softmax(among(candidates, logits)))

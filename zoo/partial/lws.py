"""LWS: candidates are raised and other labels lowered, each by how likely it seems.

Wen et al., Leveraged Weighted Loss for Partial Label Learning, ICML 2021. With the candidates S of
an image, logits g, weights w and a surrogate psi of the 0-1 loss, the leveraged weighted loss is
    L = sum_(j in S) w_j psi(g_j) + beta sum_(j not in S) w_j psi(-g_j).
The weights sum to 1 within S and to 1 outside it, are equal in either at first, and then
    w_j <- p_j / sum_(k in S) p_k   for j in S, and likewise outside it,   p = softmax(g).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo import checks
from zoo.data.views import Views
from zoo.losses.partial_label import SURROGATES, among, leveraged_weighted_terms
from zoo.partial_label import WithConfidence, laptop_recipe


class LWS(WithConfidence):
    """Weighs the losses of candidates and of other labels by what the classifier last said.

    It classifies the weak view. New weights are from the logits that the step itself computed,
    where the authors' code encodes the batch once more after it.

    Args:
        encoder: As for `WithConfidence`.
        classifier: As for `WithConfidence`.
        num_samples: As for `WithConfidence`.
        beta: The leverage of labels that are no candidates, at least 0. The paper compares 0, 1
            and 2, and argues for 1 and 2.
        surrogate: psi: "sigmoid", or "cross_entropy", as for `zoo.losses.leveraged_weighted`.
        views: As for `WithConfidence`. The paper has none: it learns from images as they are.

    Attributes:
        confidence: The weights of candidates, as for `WithConfidence`.
        other_weights: Weight (num_samples, C) float32, of labels that are no candidates.

    Raises:
        ValueError: A negative `beta`, an unknown `surrogate`, and as for `WithConfidence`.

    Example:
        >>> import numpy as np
        >>> method = LWS.for_images((16, 16, 1), 3, network="convnet", num_samples=4)
        >>> method.compile(optimizer="adam")
        >>> weak, strong = np.random.default_rng(0).random((2, 4, 16, 16, 1), "float32")
        >>> sets = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]], "float32")
        >>> batch = {"weak": weak, "strong": strong, "index": np.arange(4), "candidates": sets}
        >>> history = method.fit(batch, verbose=0)
        >>> np.asarray(method.other_weights)[0]
        array([0., 0., 1.], dtype=float32)
    """

    terms = ("candidates_loss", "others_loss", "certainty")
    search_space = {"beta": (0.25, 4.0, "log")}
    recipe = laptop_recipe(surrogate="cross_entropy")  # in few steps it learns far more

    def __init__(
        self,
        encoder: keras.Model,
        classifier: keras.Model,
        num_samples: int,
        beta: float = 2.0,
        surrogate: str = "sigmoid",
        views: str | Views = "pico",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, classifier, num_samples, views, **kwargs)
        self.beta = checks.number("beta", beta, low=0)
        self.surrogate = checks.one_of("surrogate", surrogate, SURROGATES)
        self.other_weights = self.table("other_weights")

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """As `WithConfidence.forward`, with the weights (N, C) of other labels."""
        outputs = super().forward(batch, training)
        others = 1 - outputs["candidates"]
        found = self.recall(self.other_weights, outputs["index"], others)
        return {**outputs, "other_weights": found}

    def objective(
        self, logits: Any, candidates: Any, confidence: Any, other_weights: Any
    ) -> dict[str, Any]:
        """The equation, its two sums, and how sure it is.

        Returns:
            loss: candidates_loss + beta others_loss.
            candidates_loss: The sum over candidates, which raises them.
            others_loss: The sum over the other labels, which lowers them.
            certainty: The largest weight of a candidate of an image, in the mean: 1 where all
                labels of the batch are resolved.
        """
        up, down = leveraged_weighted_terms(
            logits, candidates, confidence + other_weights, self.surrogate
        )
        return {
            "loss": up + self.beta * down,
            "candidates_loss": up,
            "others_loss": down,
            "certainty": ops.mean(ops.max(confidence, axis=1)),
        }

    def after_update(self, logits: Any, candidates: Any, index: Any) -> None:
        """The new weights, by the logits of the step."""
        others = 1 - candidates
        # Where all labels are candidates there is no other: zeros.
        weights = others * ops.softmax(among(others, logits))
        self.remember(self.other_weights, index, weights)
        self.remember(self.confidence, index, ops.softmax(among(candidates, logits)))

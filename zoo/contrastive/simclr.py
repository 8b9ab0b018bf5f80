"""SimCLR: each view finds its partner among all other views of the batch.

Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML 2020,
Eq. 1. With z the unit-length projections of 2N views and T the temperature, the loss of the views
i and j of one image is
    l(i, j) = -log( exp(z_i z_j / T) / sum_(k != i) exp(z_i z_k / T) ),
and L is its mean over all 2N ordered pairs.
"""

from __future__ import annotations

from typing import Any

import keras

from zoo import checks, losses
from zoo.data.views import Views
from zoo.two_view import TwoView, laptop_recipe, similarities


class SimCLR(TwoView):
    """Contrasts each image's two views with the other images of the batch (NT-Xent).

    Args:
        encoder: As for `TwoView`.
        projector: As for `TwoView`. The paper's has a hidden layer as wide as the features of its
            ResNet-50, 2048, which `for_images` keeps for any encoder. The authors' code also
            normalises the projections over the batch; the paper and this do not.
        temperature: Above 0. The paper's best on ImageNet (Table 5); on CIFAR-10, with longer
            training and larger batches than a laptop's, it finds 0.5 best (Appendix B.9).
        views: As for `TwoView`.

    Raises:
        ValueError: `temperature` not above 0, and as for `TwoView`. In training, a batch of one
            image, which has nothing to be told from.

    Example:
        >>> import numpy as np
        >>> method = SimCLR.for_images((16, 16, 1), network="convnet", temperature=0.2)
        >>> method.compile(optimizer="adam")
        >>> a, b = np.random.default_rng(0).random((2, 8, 16, 16, 1), "float32")
        >>> history = method.fit((a, b), verbose=0)
        >>> sorted(history.history)
        ['loss', 'negative_similarity', 'positive_similarity']
    """

    terms = ("positive_similarity", "negative_similarity")
    search_space = {"temperature": (0.05, 1.0, "log")}
    projection = {"sizes": (2048, 128), "last_bias": False}
    recipe = laptop_recipe(temperature=0.2)

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model,
        temperature: float = 0.1,
        views: str | Views = "simclr",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, projector, views, **kwargs)
        self.temperature = checks.positive("temperature", temperature)

    def objective(self, za: Any, zb: Any) -> dict[str, Any]:
        """Eq. 1, over all 2N views."""
        positive, negative = similarities(za, zb)
        return {
            "loss": losses.nt_xent(za, zb, self.temperature),
            "positive_similarity": positive,
            "negative_similarity": negative,
        }

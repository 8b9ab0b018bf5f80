"""SupCon: views of one class find one another among the views of the batch.

Khosla et al., Supervised Contrastive Learning, NeurIPS 2020. With the 2N views' projections z at
unit length, A(i) all views but i, and P(i) those among them with the label of i, Eq. 2 is
    L = sum_i -1/|P(i)| sum_(p in P(i)) log( exp(z_i z_p / T) / sum_(a in A(i)) exp(z_i z_a / T) ).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo import checks, losses
from zoo.data import two_views
from zoo.data.views import Views
from zoo.losses.contrastive import unit
from zoo.messages import described
from zoo.replicas import gather
from zoo.two_view import TwoView, laptop_recipe


class SupCon(TwoView):
    """SimCLR with labels: all views of the batch with an image's label are its positives.

    A batch is (a, b, labels): `method.batches` makes it of labelled data. The loss is the mean over
    the 2N views, not their sum, as in the authors' code.

    Args:
        encoder: As for `TwoView`.
        projector: As for `TwoView`.
        temperature: T, above 0.
        views: As for `TwoView`. The paper's best are learned policies (AutoAugment); these are
            SimCLR's, with which it compares them.

    Raises:
        ValueError: `temperature` not above 0, and as for `TwoView`. In training, a batch without
            a label for each image, or of one image.

    Example:
        >>> import numpy as np
        >>> method = SupCon.for_images((16, 16, 1), network="convnet")
        >>> method.compile(optimizer="adam")
        >>> a, b = np.random.default_rng(0).random((2, 8, 16, 16, 1), "float32")
        >>> history = method.fit((a, b, np.arange(8) % 3), verbose=0)
        >>> sorted(history.history)
        ['loss', 'negative_similarity', 'positive_similarity']
    """

    terms = ("positive_similarity", "negative_similarity")
    search_space = {"temperature": (0.05, 1.0, "log")}
    projection = {"sizes": (2048, 128), "hidden_norm": False}
    learns_labels = True
    recipe = laptop_recipe()

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

    def batches(self, data: Any, batch_size: int, seed: int = 0, start: int = 0) -> Any:
        """Endless batches of two views and labels, from labelled data: `zoo.data.two_views`.

        Raises:
            ValueError: Data without labels, or of a single class, and as for `two_views`.
        """
        images = getattr(data, "train", data)
        labels = getattr(images, "labels", None)
        if labels is not None and len(labels) and (labels == labels[0]).all():
            raise ValueError(
                f"Expected labels of at least two classes for SupCon. Received: {images.name}, "
                "which has one."
            )
        return two_views(data, self.views, batch_size, seed, start, labels=True)

    def forward(self, batch: Any, training: bool) -> dict[str, Any]:
        """Projects both views: za, zb (N, D), and labels (N,), of all replicas."""
        labels = self.labels_in(batch)
        return {**super().forward(batch, training), "labels": gather(labels)}

    def objective(self, za: Any, zb: Any, labels: Any) -> dict[str, Any]:
        """Eq. 2, and how alike views of one class and of different classes are."""
        z, labels = unit(ops.concatenate([za, zb])), ops.concatenate([labels, labels])
        same = labels[:, None] == labels[None]
        others = ops.logical_and(same, ops.logical_not(ops.eye(ops.shape(z)[0], dtype="bool")))
        cosines = ops.matmul(z, ops.transpose(z))
        return {
            "loss": losses.supervised_contrastive(z, z, same, self.temperature),
            "positive_similarity": _mean_where(others, cosines),
            "negative_similarity": _mean_where(ops.logical_not(same), cosines),
        }

    def labels_in(self, batch: Any) -> Any:
        """The labels of a batch (a, b, labels).

        Raises:
            ValueError: Something else, or no whole number for each image.
        """
        a, _ = self.both(batch)
        if len(batch) != 3:
            raise ValueError(
                "Expected two views and labels (a, b, labels) for SupCon, such as "
                "method.batches(data, batch_size) or zoo.data.two_views(images, preset, "
                f"batch_size, labels=True) gives. Received: {described(batch)}."
            )
        checks.one_each("labels", batch[2], a)
        return batch[2]

    def _images_in(self, batch: Any) -> list[Any]:
        """Both views, once it is known that labels are with them; or what `predict` gets."""
        if isinstance(batch, tuple | list) and len(batch) >= 2:
            self.labels_in(batch)
        return super()._images_in(batch)


def _mean_where(chosen: Any, values: Any) -> Any:
    """The mean of the chosen values; 0 where none is."""
    chosen = ops.cast(chosen, values.dtype)
    return ops.sum(chosen * values) / ops.maximum(ops.sum(chosen), 1.0)

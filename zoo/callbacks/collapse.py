"""A warning when an encoder gives all images one code."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from zoo import checks
from zoo.callbacks.probes import SAMPLES
from zoo.callbacks.scores import Scores

LEAST_DEVIATION = 0.01
LEAST_RANK = 1.1


class Collapse(Scores):
    """Watches whether codes still differ: `feature_deviation` and `effective_rank` in the logs.

    An encoder has collapsed where all images point in one direction, or lie on one line. It warns
    then, once in a training; so it does where the method says that something else of it has
    collapsed (`Method.collapsed`), as PiCO says of its prototypes. Which images it looks at, where
    it stands among callbacks, and what it raises besides: `Scores`.

    Args:
        data: Images: any dataset of `zoo.data`.
        least_deviation: A feature deviation below it is a collapse. 1 is all directions alike; an
            untrained network of ReLUs has 0.04 and more.
        least_rank: An effective rank below it is a collapse; 1 is a line, 0 a point. Codes of one
            dimension are a line as they are: of them the deviation alone is looked at.
        stop: Whether training stops then.
        samples: Images whose codes are looked at.
        every: Look every so many epochs, and always at the first and the last.
        seed: Of the draw.

    Attributes:
        collapsed: Whether it has, in this training.

    Raises:
        ValueError: A bound that is negative, or `stop` that is neither True nor False.

    Example:
        >>> callback = Collapse(data, stop=True)  # doctest: +SKIP
        >>> method.fit(batches, steps_per_epoch=300, callbacks=[callback])  # doctest: +SKIP
    """

    def __init__(
        self,
        data: Any,
        least_deviation: float = LEAST_DEVIATION,
        least_rank: float = LEAST_RANK,
        stop: bool = False,
        samples: int = SAMPLES,
        every: int = 1,
        seed: int = 0,
    ) -> None:
        self.least_deviation = checks.number("least_deviation", least_deviation, low=0)
        self.least_rank = checks.number("least_rank", least_rank, low=0)
        self.stop = checks.truth("stop", stop)
        self.collapsed = False
        self._dimensions = 0  # of the codes, once there are any
        metrics = ("feature_deviation", "effective_rank")
        super().__init__(data, metrics, samples, every, seed)

    def on_train_begin(self, logs: Any = None) -> None:
        """Looks at a few images, as `Scores` does, and forgets what another training came to."""
        self.collapsed = False
        super().on_train_begin(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Scores the codes, and warns where they have collapsed."""
        super().on_epoch_end(epoch, logs)
        said = None if self.collapsed else self._said(epoch)
        if said is None:
            return
        self.collapsed = True
        warnings.warn(said, stacklevel=2)
        if self.stop:
            self.model.stop_training = True

    def _said(self, epoch: int) -> str | None:
        """What has collapsed, in words."""
        deviation, rank = self.last["feature_deviation"], self.last["effective_rank"]
        least_rank = self.least_rank if self._dimensions > 1 else 0
        if deviation < self.least_deviation or rank < least_rank:
            return (
                f"The codes have collapsed in epoch {epoch + 1}: their feature deviation is "
                f"{deviation:.3g} (collapsed below {self.least_deviation:g}), their effective rank "
                f"{rank:.3g} (below {least_rank:g})."
            )
        said = self.model.collapsed()
        return None if said is None else f"In epoch {epoch + 1}: {said}"

    def _encode(self, images: np.ndarray) -> np.ndarray:
        codes = super()._encode(images)
        self._dimensions = codes.shape[1]
        return codes

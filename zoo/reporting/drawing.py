"""Every picture that a method and its data allow, from the method's own networks."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import losses, reporting
from zoo.metrics.arrays import BINS
from zoo.metrics.mutual_information import information_and_entropy
from zoo.metrics.scoring import BATCH, SAMPLES
from zoo.reporting import sheet
from zoo.reporting.drawn import FILE, Drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zoo.method import Method

SHOWN = 10  # images reconstructed
REACH = 2.0  # a latent moves so many prior standard deviations to either side


class Drawing:
    """Draws what a method has learnt: reconstructions, traversals, information.

    What the method cannot do (decode) or the data do not know (factors) is left out.

    Args:
        method: A method with built networks.
        data: Images (with factors, or not) that the method takes.
        samples: Images behind the mutual information.
        steps: Values each latent takes in a traversal.
        reach: Prior standard deviations that a latent moves to either side.
        seed: Of the sample; the first image is the one traversed.
    """

    def __init__(
        self,
        method: Method,
        data: Any,
        samples: int = SAMPLES,
        steps: int = 9,
        reach: float = REACH,
        seed: int = 0,
    ) -> None:
        self.method = method
        self.seed = seed
        self.values = np.linspace(-reach, reach, steps)
        self.factor_names = getattr(data, "factor_names", None)
        if self.factor_names:
            self.images, self.factors = data.sample(samples, seed)
        else:
            self.images = data.read(data.sample_rows(min(SHOWN * 10, len(data)), seed))
        self.protocol = f"{len(self.images):,} samples, {BINS} bins, seed {seed}"

    @property
    def can_decode(self) -> bool:
        """Whether the method turns codes into images."""
        return hasattr(self.method, "decode")

    @functools.cached_property
    def codes(self) -> np.ndarray:
        """(N, L) codes of the sample."""
        return self.method.predict(self.images, batch_size=BATCH, verbose=0)

    @functools.cached_property
    def kl(self) -> np.ndarray:
        """(L,) KL of each latent in nats, averaged over (at most 500 of) the sample."""
        mean, logvar = self.method.encode(self.images[:BATCH])
        return np.asarray(losses.gaussian_kl_per_latent(mean, logvar))

    @functools.cached_property
    def information(self) -> np.ndarray:
        """(L, F) share of each factor's entropy that each latent holds; NaN for a fixed factor."""
        shared, entropy = information_and_entropy(self.codes, self.factors, bins=BINS)
        entropy = np.where(entropy > 0, entropy, np.nan)
        return np.clip(shared / entropy, 0, 1)

    def traversed(self) -> np.ndarray:
        """(L, S, H, W, C) uint8: the first image's code, one latent at a time moved through."""
        code = self.codes[0]
        grid = np.tile(code, (len(code), len(self.values), 1))
        for latent, row in enumerate(grid):
            row[:, latent] = self.values
        flat = grid.reshape(-1, len(code)).astype("float32")
        decoded = np.concatenate(
            [
                np.asarray(self.method.decode(flat[i : i + BATCH]))
                for i in range(0, len(flat), BATCH)
            ]
        )
        return decoded.reshape(*grid.shape[:2], *decoded.shape[1:])

    @functools.cached_property
    def drawn(self) -> Drawn:
        """All that the pictures show; images over 128 pixels a side averaged down."""
        arrays: dict[str, Any] = {}
        if self.can_decode:
            originals = self.images[:SHOWN]
            images = {
                "originals": originals,
                "reconstructions": np.asarray(self.method.reconstruct(originals)),
                "traversal": self.traversed(),
            }
            arrays = {name: sheet.reduced(image) for name, image in images.items()}
            arrays |= {"values": self.values, "kl": self.kl}
        if self.factor_names:
            factors = np.array(self.factor_names)
            arrays |= {"factors": factors, "information": self.information}
        return Drawn(**arrays, protocol=self.protocol)

    def _labels(self) -> dict[str, Any]:
        labels: dict[str, Any] = {"values": self.values, "kl": self.kl}
        if self.factor_names:
            labels |= {"factors": self.factor_names, "information": self.information}
            labels["protocol"] = f"Shares of factor entropy: {self.protocol}."
        return labels

    def figures(self) -> dict[str, Figure]:
        """Name -> figure, for files and for TensorBoard."""
        shown, drawn = {}, self.drawn
        if self.can_decode:
            shown["reconstructions"] = reporting.reconstructions(
                drawn.originals, drawn.reconstructions
            )
            shown["traversal"] = reporting.traversal(drawn.traversal, **self._labels())
        if self.factor_names:
            shown["information"] = reporting.information(
                self.information, self.factor_names, normalised=True, protocol=self.protocol
            )
        return shown

    def save(self, folder: Path) -> list[Path]:
        """Writes all figures as PNG, the traversal as a GIF, and the arrays behind them.

        Returns:
            The paths; none where there is nothing to draw.
        """
        paths = [
            reporting.save(figure, folder / f"{name}.png")
            for name, figure in self.figures().items()
        ]
        if self.can_decode:
            gif = folder / "traversal.gif"
            paths.append(reporting.traversal_gif(self.drawn.traversal, gif, **self._labels()))
        return [*paths, self.drawn.save(folder / FILE)] if paths else []

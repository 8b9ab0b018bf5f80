"""Two views of each image of a batch: crops, flips, colours, blur, drawn anew for each image.

    a, b = Views.of("simclr_small")(images, seed=0, step=100)

Everything random about a batch is drawn at once from (seed, step): the same seed and step give the
same views, in a resumed run too. The operations are those of PIL and torchvision, at a few matrix
products a batch (see `zoo.data.view_matrices`):
    shape   crop, bilinear resize, flip and blur are one matrix for the rows and one for the
            columns of each image, Y = R X C'; the resize is PIL's, antialiased where it shrinks
    colour  brightness, contrast, saturation and hue, in random order, greyscale and a mixing of
            channels are one matrix and an offset for the colours of each image
    motion  rotation, translation and zoom, which no paper's preset has, are one bilinear map of
            the image before all else
What departs from torchvision:
    - values are clipped once, at the end, and never rounded to whole 255ths in between;
    - hue turns about the grey axis of the RGB cube, which keeps the mean of a colour, not about
      the axis of HSV, which keeps its maximum;
    - blur comes before colour, with which it commutes but for the clipping. Its kernel is SimCLR's,
      with reflected edges, also where a paper blurs by PIL, whose kernel is wider;
    - all crops are resized bilinearly, also where a paper's code does it bicubically.
Tests bound the mean distance from what PIL makes of the same draws, in 255ths. On 32 x 32 images
whose detail falls as that of photographs: clipping and rounding once, less than 2.5; blur before
colour, 1 at the strength 0.4 and 3 at 0.8; bilinear for bicubic, 5. Of a hue by itself the mean
distance is less than a 25th of the range. The blur of so small an image has 3 pixels, and departs
most: less than 2, 5 and 14 where sigma is 0.5, 1 and 2. All but the last two together: less than
2, and with hue 4, on smoother images, after operations with the same kernel, one after the other.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from zoo import checks
from zoo.data.view_matrices import blurring, crop_boxes, middle_box, motion, recolouring, resizing
from zoo.messages import unknown

if TYPE_CHECKING:
    import tensorflow as tf

TRIES = 10
"""Boxes drawn until one fits into the image, as in torchvision."""

SOLARISE_FROM = 128 / 255
_STREAM = 0x76696577
"""Keeps the draws of views apart from whatever else is drawn from the same seed and step."""

# What is drawn for each view of an image, and how many numbers of it.
_DRAWN = {
    "area": TRIES,
    "aspect": TRIES,
    "place": 2,
    "order": 4,
    "flip": 1,
    "jitter": 1,
    "brightness": 1,
    "contrast": 1,
    "saturation": 1,
    "hue": 1,
    "grey": 1,
    "blur": 1,
    "sigma": 1,
    "solarise": 1,
}
# Likewise, from a stream of their own: what presets draw does not depend on it.
_DRAWN_APART = {"rotation": 1, "translation": 2, "zoom": 1, "mix": 9}
_APART = 0x6D6F7665


@dataclass(frozen=True, repr=False)
class View:
    """How one view is made: probabilities, and ranges as those of torchvision's transforms.

    `area` and `aspect` are what RandomResizedCrop calls scale and ratio.

    Args:
        area: Least and largest part of the image's area that a crop takes, above 0 to 1.
        aspect: Least and largest ratio of a crop's width to its height.
        flip: Probability of a mirror image.
        jitter: Probability that brightness, contrast, saturation and hue change at all.
        brightness: Its factor is drawn from 1 - brightness (at least 0) to 1 + brightness.
        contrast: Likewise, towards or away from the image's mean grey.
        saturation: Likewise, towards or away from each pixel's grey.
        hue: It turns by up to this part of the colour circle either way, 0 to 0.5.
        grey: Probability of a greyscale image.
        blur: Probability of a Gaussian blur, its kernel a tenth of the image wide.
        sigma: Least and largest deviation of the blur, in pixels.
        solarise: Probability that light pixels (from 128 of 255) are inverted.
        rotation: By up to so many degrees either way, about the middle, 0 to 180. Beyond its edge
            an image goes on as at the edge.
        translation: By up to this part of the height and of the width either way.
        zoom: Least and largest factor by which what is shown grows.
        mix: Every channel becomes a sum of all three, with weights drawn from 0 to `mix`; 0 leaves
            them. It is a random convolution of one pixel (Xu et al., Robust and Generalizable
            Visual Representation Learning via Random Convolutions, ICLR 2021), by which light
            stays light. A single channel stays as it is.

    Raises:
        ValueError: A probability or a range that cannot be.
    """

    area: tuple[float, float] = (0.08, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    grey: float = 0.2
    blur: float = 0.0
    sigma: tuple[float, float] = (0.1, 2.0)
    solarise: float = 0.0
    rotation: float = 0.0
    translation: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    mix: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "jitter", "grey", "blur", "solarise"):
            checks.number(name, getattr(self, name), low=0, high=1)
        for name in ("brightness", "contrast", "saturation", "translation", "mix"):
            checks.number(name, getattr(self, name), low=0)
        checks.number("hue", self.hue, low=0, high=0.5)
        checks.number("rotation", self.rotation, low=0, high=180)
        tops = {"area": 1.0, "aspect": math.inf, "sigma": math.inf, "zoom": math.inf}
        for name, top in tops.items():
            given = getattr(self, name)
            span = tuple(given) if isinstance(given, tuple | list) else ()
            if len(span) != 2 or not 0 < checks.positive(name, span[0]) <= span[1] <= top:
                limit = " to 1" if top == 1 else ""
                raise ValueError(
                    f"Expected {name} to be a range (low, high) of numbers above 0{limit}. "
                    f"Received: {given}."
                )
            object.__setattr__(self, name, span)  # a list, where it was read from JSON

    @property
    def moves(self) -> bool:
        """Whether images are rotated, shifted or zoomed at all."""
        return bool(self.rotation or self.translation) or self.zoom != (1, 1)

    def __repr__(self) -> str:
        """What is not as by default, such as "View(blur=0.5)"."""
        values = {f.name: (getattr(self, f.name), f.default) for f in dataclasses.fields(self)}
        named = [f"{name}={value}" for name, (value, usual) in values.items() if value != usual]
        return f"View({', '.join(named)})"


@dataclass(frozen=True, repr=False)
class Views:
    """Makes two views of each image. Works in a tf.data pipeline, in a graph and eagerly.

    Args:
        first: How the first is made.
        second: How the second is made; as the first by default.
        size: Their height and width; those of the image by default.

    Raises:
        ValueError: A size that is no pair of integers of at least 1.

    Example:
        >>> images = np.zeros((8, 32, 32, 3), "uint8")
        >>> a, b = Views.of("simclr")(images, seed=0, step=100)
        >>> a.shape, a.dtype.name
        (TensorShape([8, 32, 32, 3]), 'float32')
    """

    first: View
    second: View | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.size is not None:
            if not isinstance(self.size, tuple | list) or len(self.size) != 2:
                raise ValueError(
                    f"Expected size to be a pair (height, width). Received: {self.size!r}."
                )
            height, width = (checks.integer("size", side, low=1) for side in self.size)
            object.__setattr__(self, "size", (height, width))

    def __repr__(self) -> str:
        """In a line, such as "Views(View(), View(solarise=0.2))": protocols and captions say it."""
        size = [] if self.size is None else [f"size={self.size}"]
        views = [self.first] if self.second is None else [self.first, self.second]
        return f"Views({', '.join([*map(repr, views), *size])})"

    @classmethod
    def of(cls, preset: str | Views, name: str = "preset") -> Views:
        """The views of that name, see `PRESETS`; views themselves are returned as they are.

        Args:
            preset: A name, or views.
            name: What a refusal calls it.

        Raises:
            ValueError: An unknown name, with the nearest that is known; neither name nor views.
        """
        if isinstance(preset, Views):
            return preset
        if not isinstance(preset, str):
            raise ValueError(
                f"Expected {name} to be the name of a paper's views, or zoo.data.Views. "
                f"Received: {preset!r}."
            )
        if preset not in PRESETS:
            raise ValueError(unknown(name, preset, PRESETS))
        return PRESETS[preset]

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The views that `get_config` describes."""
        second = config["second"]
        return cls(View(**config["first"]), second and View(**second), config["size"])

    def __call__(self, images: Any, seed: Any = 0, step: Any = 0) -> tuple[tf.Tensor, tf.Tensor]:
        """Makes both views.

        Args:
            images: (N, H, W, C), uint8 0..255 or float 0..1, of 1 or 3 channels; H, W, C known.
                One channel has neither hue nor saturation.
            seed: An integer, also as a tensor.
            step: Likewise: the batch's number, usually. Each gives other views.

        Returns:
            Two float32 (N, h, w, C), 0..1.

        Raises:
            ValueError: Images of another rank, dtype or number of channels, or so small that a
                crop may be less than a pixel.
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        self._check(images)
        n = images.shape[0] or tf.shape(images)[0]
        return self.made_of(images, uniform(n, seed, step))

    def made_of(
        self, images: tf.Tensor, drawn: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Makes both views of images of known shape, by what was drawn for them by `uniform`."""
        import tensorflow as tf

        _, height, width, channels = images.shape
        tall, wide = self.size or (height, width)
        n = images.shape[0] or tf.shape(images)[0]

        box = self._boxes(height, width, drawn)
        rows = resizing(height, tall, box[..., 0], box[..., 2], tf.constant(False))
        columns = resizing(width, wide, box[..., 1], box[..., 3], self._happens("flip", drawn))
        if any(view.blur for view in self._pair):
            sigma, blurred = self._between("sigma", drawn), self._happens("blur", drawn)
            rows = blurring(tall, sigma, blurred) @ rows
            columns = blurring(wide, sigma, blurred) @ columns

        white = 255 if images.dtype == tf.uint8 else 1
        if any(view.moves for view in self._pair):
            images = self._moved(images, drawn)  # (2, N, H, W, C)
        planes = tf.stack(
            tf.unstack(images, axis=-1), axis=-3
        )  # (N, C, H, W); faster than to transpose
        planes = tf.cast(planes, tf.float32)
        planes = rows[:, :, None] @ planes  # (2, N, C, h, W)
        planes = tf.reshape(planes, [2, n, channels * tall, width])
        planes = tf.matmul(planes, columns, transpose_b=True)
        planes = tf.reshape(planes, [2, n, channels, tall * wide])

        matrix, offset = self._recolouring(tf.reduce_mean(planes, axis=-1) / white, drawn)
        pixels = tf.matmul(planes, matrix / white, transpose_a=True, transpose_b=True)
        pixels = tf.reshape(pixels, [2, n, tall * wide * channels])  # (h, w, C) each
        pixels = pixels + offset[..., None]
        if channels == 3 and any(view.mix for view in self._pair):
            pixels = self._mixed(tf.reshape(pixels, [2, n, tall * wide, 3]), drawn)
            pixels = tf.reshape(pixels, [2, n, tall * wide * 3])
        pixels = tf.clip_by_value(pixels, 0, 1)
        light = tf.where(self._happens("solarise", drawn), SOLARISE_FROM, math.inf)[..., None]
        first, second = (
            tf.reshape(
                tf.where(one >= least, 1 - one, one) if view.solarise else one,
                [n, tall, wide, channels],
            )
            for view, one, least in zip(
                self._pair, tf.unstack(pixels), tf.unstack(light), strict=True
            )
        )
        return first, second

    @property
    def _pair(self) -> tuple[View, View]:
        return self.first, self.second or self.first

    def _check(self, images: tf.Tensor) -> None:
        """Refuses what no views can be made of."""
        shape = tuple(images.shape) if images.shape.rank is not None else None
        if shape is None or len(shape) != 4 or None in shape[1:] or shape[3] not in (1, 3):
            raise ValueError(
                f"Expected images of shape (N, H, W, C), C = 1 or 3. Received shape: {shape}."
            )
        if images.dtype.name != "uint8" and not images.dtype.is_floating:
            raise ValueError(
                "Expected images as uint8 in 0..255 or float in 0..1. "
                f"Received dtype: {images.dtype.name}."
            )
        for view in self._pair:
            least = view.area[0] * shape[1] * shape[2]
            side = math.sqrt(least * min(view.aspect[0], 1 / view.aspect[1]))
            if side < 1:
                raise ValueError(
                    "Expected images so large that every crop has a pixel or more a side: "
                    f"{view.area[0]:g} of the area at a ratio of {view.aspect[0]:.3g} to "
                    f"{view.aspect[1]:.3g}. Received shape: {shape}, crops down to {side:.2g} "
                    "pixels."
                )

    # Draws, (2, N): for each view what it says of them

    def _limits(self, name: str) -> tuple[tf.Tensor, tf.Tensor]:
        """The range of a field, for each view: two (2, 1)."""
        import tensorflow as tf

        spans = []
        for view in self._pair:
            value = getattr(view, name)
            if name == "hue":
                value = (-value, value)
            elif not isinstance(value, tuple):
                value = (max(0.0, 1 - value), 1 + value)
            spans.append([value])
        low, high = tf.unstack(tf.constant(spans, tf.float32), axis=-1)
        return low, high

    def _between(self, name: str, drawn: Mapping[str, tf.Tensor]) -> tf.Tensor:
        low, high = self._limits(name)
        return low + (high - low) * drawn[name]

    def _happens(self, name: str, drawn: Mapping[str, tf.Tensor]) -> tf.Tensor:
        import tensorflow as tf

        odds = tf.constant([[getattr(view, name)] for view in self._pair], tf.float32)
        return drawn[name] < odds

    def _boxes(self, height: int, width: int, drawn: Mapping[str, tf.Tensor]) -> tf.Tensor:
        import tensorflow as tf

        (least, most), (low, high) = (
            [limit[..., None] for limit in self._limits(name)] for name in ("area", "aspect")
        )
        middle = [[middle_box(height, width, view.aspect)] for view in self._pair]
        return crop_boxes(
            height,
            width,
            least + (most - least) * drawn["area"],
            low * (high / low) ** drawn["aspect"],
            drawn["place"],
            tf.constant(middle, tf.float32),
        )

    def _moved(self, images: tf.Tensor, drawn: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Images as each view rotates, shifts and zooms them: (2, N, H, W, C)."""
        import tensorflow as tf

        _, height, width, _ = images.shape
        turns, shifts = (
            tf.constant([[getattr(view, name)] for view in self._pair], tf.float32)
            for name in ("rotation", "translation")
        )
        low, high = self._limits("zoom")
        maps = motion(
            height,
            width,
            (2 * drawn["rotation"] - 1) * turns,
            (2 * drawn["translation"] - 1) * shifts[..., None],
            low * (high / low) ** drawn["zoom"],
        )
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(tf.concat([images, images], axis=0), tf.float32),
            transforms=tf.reshape(maps, [-1, 8]),
            output_shape=[height, width],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
        return tf.stack(tf.split(moved, 2))

    def _mixed(self, pixels: tf.Tensor, drawn: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Pixels (2, N, P, 3) whose channels are mixed where a view does so."""
        import tensorflow as tf

        most = tf.constant([[[[view.mix]]] for view in self._pair], tf.float32)
        weights = most * tf.reshape(drawn["mix"], [2, -1, 3, 3])
        mixed = tf.matmul(tf.clip_by_value(pixels, 0, 1), weights, transpose_b=True)
        return tf.where(most > 0, mixed, pixels)

    def _recolouring(
        self, means: tf.Tensor, drawn: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        import tensorflow as tf

        jittered = self._happens("jitter", drawn)

        def factor(name: str, still: float = 1.0) -> tf.Tensor:
            return tf.where(jittered, self._between(name, drawn), still)

        return recolouring(
            means,
            factor("brightness"),
            factor("contrast"),
            factor("saturation"),
            factor("hue", still=0.0),
            drawn["order"],
            self._happens("grey", drawn),
        )


def uniform(n: tf.Tensor, seed: Any, step: Any) -> dict[str, tf.Tensor]:
    """Draws for two views of n images: name -> (2, n) or (2, n, count), from 0 to below 1."""
    import tensorflow as tf

    parts: dict[str, tf.Tensor] = {}
    for stream, counts in ((_STREAM, _DRAWN), (_STREAM ^ _APART, _DRAWN_APART)):
        key = tf.stack([tf.cast(seed, tf.int64) ^ stream, tf.cast(step, tf.int64)])
        drawn = tf.random.stateless_uniform([2, n, sum(counts.values())], key, alg="philox")
        split = tf.split(drawn, [*counts.values()], axis=-1)
        of_each = zip(counts.items(), split, strict=True)
        parts |= {name: part[..., 0] if count == 1 else part for (name, count), part in of_each}
    return parts


_SIMCLR = View(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, blur=0.5)
_MOCO = View(area=(0.2, 1.0))
_BYOL = View(saturation=0.2)
_STRONG = View(
    area=(0.2, 1.0), jitter=1.0, brightness=0.6, contrast=0.6, saturation=0.6, hue=0.1,
    grey=0.0, solarise=0.2,
)  # fmt: skip

_CHARACTERS = View(area=(0.4, 1.0), flip=0.0, saturation=0.0, hue=0.0, grey=0.0)

PRESETS: dict[str, Views] = {
    "simclr": Views(_SIMCLR),
    "simclr_small": Views(View()),
    "moco_v2": Views(dataclasses.replace(_MOCO, blur=0.5)),
    "moco_v2_small": Views(_MOCO),
    "barlow": Views(
        dataclasses.replace(_BYOL, blur=1.0), dataclasses.replace(_BYOL, blur=0.1, solarise=0.2)
    ),
    "barlow_small": Views(_BYOL, dataclasses.replace(_BYOL, solarise=0.2)),
    "pico": Views(_MOCO, _STRONG),
    "pico_digits": Views(
        dataclasses.replace(_CHARACTERS, area=(0.6, 1.0)),
        dataclasses.replace(_CHARACTERS, jitter=1.0, brightness=0.6, contrast=0.6),
    ),
    "digits": Views(_CHARACTERS),
}
"""The views of papers, by name; "..._small" for small images, such as those of CIFAR.

simclr: Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML
    2020, Appendix A: colour distortion of strength 1, blur half the time. Small, Appendix B.9:
    strength 0.5, no blur.
moco_v2: Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020, and its code:
    crops from 0.2 of the area, jitter 0.4, 0.4, 0.4, 0.1, blur half the time. Small: no blur.
barlow: Zbontar et al., Barlow Twins, ICML 2021, after BYOL: saturation 0.2; the first view always
    blurred, the second a tenth of the time, and solarised a fifth. Small: no blur.
pico: Wang et al., PiCO, ICLR 2022, and its code for CIFAR: the first view weak (MoCo v2's
    without blur), the second strong. There the strong one has, after crop and flip, three of
    fourteen operations at random strength, called RandAugment(3, 5), and a square cut out. Most
    of these (equalise, posterise, sharpen, rotate, shear, cut out) are no matrix of rows, columns
    or colours; what stands in for all is jitter of every image by up to 0.6, 0.6, 0.6, 0.1, and
    solarising a fifth of them.
digits: For handwritten digits and other characters, of which a mirror image or a small part is
    another character or none: no flip, crops from 0.4 of the area, brightness and contrast.
pico_digits: The same for PiCO: crops of the weak view from 0.6 of the area, as the classifier
    learns from it alone; the strong one as "digits", always jittered, by up to 0.6. Nothing is
    solarised, which leaves of light strokes on black no more than their edges.
"""

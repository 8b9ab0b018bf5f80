"""Images to learn from, with their factors or labels.

    data = zoo.data.load("dsprites").subset(orientation=0).resized(32)
    images, factors = data.sample(10_000, seed=0)
    method.fit(data.batches(64, seed=0), steps_per_epoch=300)

Every dataset is an `Images`: a name, an image_shape, a length, `read(rows)`, `resized(size)` and
`batches(batch_size, seed, start)`. A `FactorData` adds ground-truth factors to it, a
`LabelledData` is two of them, `train` and `test`, with labels; `with_candidates` says of its
training images which labels each may have, where it is not known which is true. Importing this
package costs no TensorFlow; it is imported where `batches` are made.
"""

from zoo.data.factors import FactorData
from zoo.data.images import Images
from zoo.data.labels import LabelledData, LabelledImages
from zoo.data.loading import load, names
from zoo.data.pairing import pairs
from zoo.data.partial import partial_labels, read_candidates
from zoo.data.subspaces import factor_pairs, factor_views
from zoo.data.viewing import partial_batches, two_views
from zoo.data.views import View, Views

__all__ = [
    "FactorData",
    "Images",
    "LabelledData",
    "LabelledImages",
    "View",
    "Views",
    "factor_pairs",
    "factor_views",
    "load",
    "names",
    "pairs",
    "partial_batches",
    "partial_labels",
    "read_candidates",
    "two_views",
]

"""repzoo: contrastive and disentangled representation learning as Keras models.

    import zoo

    data = zoo.data.load("dsprites").resized(32)
    method = zoo.BetaVAE.for_images(data.image_shape, beta=3.0)
    method.compile(optimizer="adam")
    method.fit(data.batches(32, seed=0), steps_per_epoch=600, epochs=10,
               callbacks=[zoo.callbacks.DisentanglementMetrics(data)])
    zoo.export(method, "saved_models/sprites/1")

Names are imported when first used: `import zoo` alone costs no TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_MODULES = (
    "callbacks",
    "data",
    "layers",
    "losses",
    "metrics",
    "networks",
    "optimizers",
    "reporting",
)
_NAMES = {"Method": "zoo.method", "methods": "zoo.registry", "export": "zoo.exporting"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"zoo.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    if name[:1].isupper():
        from zoo import registry

        found = registry.find_class(name)
        if found is not None:
            return found
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    from zoo import registry

    classes = (cls.__name__ for cls in registry.methods().values())
    return sorted([*_MODULES, *_NAMES, *classes, "__version__"])

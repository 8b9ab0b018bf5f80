"""Callbacks for `fit`: scores, exact resume, pictures."""

import importlib

_HOMES = {
    "DisentanglementMetrics": "disentanglement_metrics",
    "Pictures": "pictures",
    "ProgressLines": "progress",
    "Resume": "resume",
}
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(f"zoo.callbacks.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'zoo.callbacks' has no attribute {name!r}")

"""What people do with a representation, from an exported SavedModel alone: it imports no method.

    from applications import SavedModel

    model = SavedModel.open("saved_models/beta_vae-dsprites/1")
    codes = model.encode(images)

Each application is a file, a function and a command, `zoo apply NAME SAVED_MODEL`. Names are
imported when first used: `import applications` alone costs no TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import Any

_NAMES = {
    "Classifier": "applications.probe",
    "Edit": "applications.edit",
    "Edited": "applications.editing",
    "FineTuning": "applications.probe",
    "Index": "applications.search",
    "Output": "applications.outputs",
    "Reader": "applications.reader",
    "SavedModel": "applications.saved_model",
    "adaptation": "applications.adapt",
    "adapted": "applications.adapt",
    "between": "applications.edit",
    "by_direction": "applications.edit",
    "by_example": "applications.edit",
    "by_latent": "applications.edit",
    "coral": "applications.adapt",
    "direction_between": "applications.edit",
    "edited": "applications.editing",
    "explorer": "applications.explore",
    "labelled": "applications.probe",
    "load_data": "applications.saved_model",
    "load_images": "applications.saved_model",
    "look_at_codes": "applications.interpret",
    "read_codes": "applications.interpret",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'applications' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_NAMES)

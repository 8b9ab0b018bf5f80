"""What people do with a representation, from an exported SavedModel alone: it imports no method.

    from applications import SavedModel

    model = SavedModel.open("saved_models/beta_vae-dsprites/1")
    codes = model.encode(images)

Each application is a function and a command, `zoo apply NAME SAVED_MODEL`. Names are imported when
first used: `import applications` alone costs no TensorFlow. Files are called otherwise, so that a
name is always the function.
"""

from __future__ import annotations

import importlib
from typing import Any

_NAMES = {
    "Classifier": "applications.probing",
    "Coded": "applications.adapting",
    "Drawn": "applications.domains",
    "Edit": "applications.edits",
    "Edited": "applications.editing",
    "FineTuning": "applications.probing",
    "Index": "applications.searching",
    "Labelled": "applications.probing",
    "Output": "applications.outputs",
    "Reader": "applications.reader",
    "SavedModel": "applications.saved_model",
    "adapt": "applications.adapting",
    "adaptation": "applications.adapting",
    "between": "applications.edits",
    "by_direction": "applications.edits",
    "by_example": "applications.edits",
    "by_latent": "applications.edits",
    "coral": "applications.adapting",
    "direction_between": "applications.edits",
    "drawn": "applications.domains",
    "edit": "applications.editing",
    "explore": "applications.exploring",
    "interpret": "applications.interpreting",
    "labelled": "applications.probing",
    "load_data": "applications.saved_model",
    "load_images": "applications.saved_model",
    "look_at_codes": "applications.interpreting",
    "probe": "applications.probing",
    "read_codes": "applications.interpreting",
    "search": "applications.searching",
    "to_litert": "applications.serving",
    "to_onnx": "applications.serving",
    "unseen_codes": "applications.interpreting",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'applications' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_NAMES)

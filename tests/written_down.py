"""What is compared whole with a file, so that every change of it is seen by whoever reads the change."""

from __future__ import annotations

import json
import os
from pathlib import Path


def compare(path: Path, text: str) -> None:
    """The JSON `text` is what the file says; with UPDATE_ANSWERS in the environment it is written there."""
    if "UPDATE_ANSWERS" in os.environ:
        path.write_text(text)
    assert json.loads(path.read_text()) == json.loads(text), path.stem

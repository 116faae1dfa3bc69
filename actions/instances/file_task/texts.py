"""What comes from elsewhere is read with care: it may be anything."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def parsed(text: bytes | str) -> Json:
    """A JSON object; an empty one if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def is_id(value: object) -> bool:
    """Whether it may be part of an object's key: a run's id, or an upload's."""
    return isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z0-9_-]{1,100}", value))


def bounded(value: object, most: int) -> str | None:
    """A string or a number, as old manifests have for versions, of at most so many characters."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return str(value).encode(errors="replace").decode()[:most]
    except ValueError:  # a number of thousands of digits
        return None


def read(path: Path, most: int) -> bytes | None:
    """The beginning of a file; None of what is none, or cannot be read. A pipe would keep us for ever."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    with open(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return None
        try:
            return file.read(most)
        except OSError:
            return None

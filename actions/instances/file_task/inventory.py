"""What there is in a server's directory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .places import CLEAN_STOP, ID, KINDS, directories
from .texts import Json, bounded, parsed, read
from .told import RESULT_BYTES

MANIFEST_BYTES = 4_000_000
_PACKAGES, _TITLE, _VERSION = 1000, 100, 40  # how many; characters of each


def inventory(data: Path) -> Json:
    """Foundry's build, whether it ended cleanly (None: it has never run), and packages by their manifests."""
    clean: bool | None = None
    build = None
    if (data / "Config").is_dir():
        text = read(data / CLEAN_STOP, 100)
        clean = text is not None
        first = (text or b"").partition(b"\n")[0].decode(errors="replace")
        build = first if re.fullmatch(r"[0-9][0-9.]{0,19}", first) else None
    return {"build": build, "clean": clean, "packages": packages(data)}


def packages(data: Path) -> list[Json]:
    """Worlds first, then systems and modules; as many as fit. What a manifest says may be anything."""
    return fitting(_packages(data))


def fitting(packages: Iterable[Json]) -> list[Json]:
    """As many as fit into a result."""
    found: list[Json] = []
    left = RESULT_BYTES * 2 // 3
    for shown in packages:
        left -= len(json.dumps(shown, ensure_ascii=False).encode(errors="replace")) + 2
        if left < 0 or len(found) == _PACKAGES:
            break
        found.append(shown)
    return found


def _packages(data: Path) -> Iterator[Json]:
    for kind, folder in KINDS.items():
        for directory in directories(data / "Data" / folder):
            text = read(directory / f"{kind}.json", MANIFEST_BYTES)
            if text is not None:
                yield package(kind, directory.name, parsed(text))


def package(kind: str, name: str, manifest: Json) -> Json:
    """By its directory's name, by which alone it can be put back."""
    fits = manifest.get("compatibility")
    fits = fits if isinstance(fits, dict) else {}
    shown = {
        "type": kind,
        "id": bounded(name, ID),
        "title": bounded(manifest.get("title"), _TITLE),
        "version": bounded(manifest.get("version"), _VERSION),
        "minimum": bounded(fits.get("minimum", manifest.get("minimumCoreVersion")), _VERSION),
        "verified": bounded(fits.get("verified", manifest.get("compatibleCoreVersion")), _VERSION),
        "maximum": bounded(fits.get("maximum"), _VERSION),
    }
    if kind == "world":
        shown["system"] = bounded(manifest.get("system"), _TITLE)
        shown["coreVersion"] = bounded(manifest.get("coreVersion"), _VERSION)
    return shown

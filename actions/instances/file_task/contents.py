"""What an archive holds, read to its end once: sizes and digests of files, and what their manifests say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from .archives import MOST_ENTRIES, Entry, entries
from .failures import Refused
from .inventory import MANIFEST_BYTES, package
from .places import ID, KINDS
from .texts import Json, bounded, parsed

_MOST_MANIFESTS = 5000
_MOST_REQUIRED = 50  # of one package
_NAME = re.compile(rf"[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,{ID - 1}}}")


class Content(NamedTuple):
    """Of a file."""

    size: int
    digest: bytes


@dataclass(frozen=True)
class Manifest:
    """Of a world, system or module. Its `id` says which; before version 10 of Foundry, its `name`."""

    kind: str
    id: str  # "" if it is none that a directory may have
    is_one: bool  # and no other file of that name
    shown: Json
    required: list[tuple[str, str]]  # kinds and ids


@dataclass
class Contents:
    """By paths within the archive."""

    files: dict[str, Content] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    manifests: dict[str, Manifest] = field(default_factory=dict)


def plausible(name: object) -> str:
    """An id that may be a directory's name; else ""."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""


def survey(archive: Path, most: int, tell: Callable[[int, int], None]) -> Contents:
    """Read all of it, of which no more than `most` bytes may come; `tell` how many files and bytes have."""
    found = Contents()
    total = 0
    for entry in entries(archive, most):
        _add_directory(found, entry.path if entry.is_directory else os.path.dirname(entry.path))
        if entry.is_directory:
            continue
        if entry.path in found.directories or not entry.path:
            raise Refused("no-archive", f"It is a file and a directory: {entry.path}")
        tell(len(found.files), total)
        total += _add_file(found, entry, most - total)
    return found


def _add_directory(found: Contents, path: str) -> None:
    """With those above it, as not all archives name them."""
    while path and path not in found.directories:
        if path in found.files:
            raise Refused("no-archive", f"It is a file and a directory: {path}")
        found.directories.add(path)
        if len(found.files) + len(found.directories) > MOST_ENTRIES:
            raise Refused("too-big", f"It has more than {MOST_ENTRIES} files and directories.")
        path = os.path.dirname(path)


def _add_file(found: Contents, entry: Entry, most: int) -> int:
    """Its size. Of two by one name the later one counts."""
    kind = next((k for k in KINDS if os.path.basename(entry.path) == f"{k}.json"), "")
    digest, size, text = blake2b(digest_size=16), 0, b""
    for chunk in entry.content:
        size += len(chunk)
        if size > most:
            raise Refused("too-big", "Unpacked it is bigger than there is room for.")
        digest.update(chunk)
        if kind and len(text) < MANIFEST_BYTES:
            text += chunk
    found.files[entry.path] = Content(size, digest.digest())
    if kind:
        found.manifests[entry.path] = _manifest(kind, parsed(text[:MANIFEST_BYTES]))
        if len(found.manifests) > _MOST_MANIFESTS:
            raise Refused("too-big", f"It has more than {_MOST_MANIFESTS} manifests.")
    return size


def _manifest(kind: str, said: Json) -> Manifest:
    name = said.get("id") or said.get("name")
    is_one = isinstance(name, str) or isinstance(said.get("title"), str)
    return Manifest(kind, plausible(name), is_one, package(kind, "", said), _required(kind, said))


def _required(of: str, said: Json) -> list[tuple[str, str]]:
    """A world's system, and what a package says that it does not work without."""
    relationships = said.get("relationships")
    listed = relationships.get("requires") if isinstance(relationships, dict) else None
    ones = listed[:_MOST_REQUIRED] if isinstance(listed, list) else []
    found = [(bounded(one.get("type"), ID), one.get("id")) for one in ones if isinstance(one, dict)]
    if of == "world":
        found.insert(0, ("system", said.get("system")))
    return [
        (kind if kind in KINDS else "module", name)
        for kind, value in found
        if (name := bounded(value, ID))
    ]

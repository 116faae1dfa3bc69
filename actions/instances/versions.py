"""Which versions of Foundry can be asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from services.instances import Instance

DEFAULT = "13"
OLDEST, NEWEST = 11, 14
ALLOWED = f"{OLDEST} to {NEWEST}, an exact version such as 13.351, or release"


def _supported(version: str) -> str:
    found = re.fullmatch(r"(\d{2})(\.\d{1,5}){0,2}", version, re.ASCII)
    if version != "release" and not (found and OLDEST <= int(found[1]) <= NEWEST):
        raise ValueError(f"use {ALLOWED}")
    return version


Version = Annotated[str, Field(min_length=1, max_length=16), AfterValidator(_supported)]


def drops_root(version: str) -> bool:
    """Whether the image starts as root and takes its user from the environment (12 and earlier)."""
    return version.split(".")[0] in ("11", "12")


def build_of(probe: Mapping[str, Any] | None) -> str | None:
    """The build that /api/status names, such as 13.351; None if it names none."""
    version = probe.get("version") if probe else None
    is_build = isinstance(version, str) and re.fullmatch(r"\d{2}\.\d{1,5}", version, re.ASCII)
    return str(version) if is_build else None


def is_way_down(wanted: str, build: str) -> bool:
    """Whether `wanted` is older than the build, or major version, that has run on the files."""
    if "release" in (wanted, build):
        return False
    asked = _numbers(wanted)[:2]
    return asked < _numbers(build)[: len(asked)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def pinned(tag: str, build: str) -> str:
    """The tag that goes on starting `build`, which `tag` has started: a floating one would move on by itself."""
    return tag if is_build(tag, build) else build


def is_build(tag: str, build: str) -> bool:
    """Whether an image's tag names the build and no other: 13.351 and 13.351.1, but not 13."""
    return tag == build or tag.startswith(f"{build}.")


def image_tag(instance: Instance) -> str:
    """The tag of the image to start: what was asked for, until the build that came of it is known."""
    return instance.get("imageTag", instance["foundryVersion"])

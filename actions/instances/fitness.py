"""Which packages will not work with another version of Foundry, by what their own manifests say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypedDict

from services.saves import Package

Why = Literal["too-old", "too-new", "untested"]


class Unfit(TypedDict):
    """A package, and why: made for older or newer versions only, or not tried with this one by its author."""

    type: str
    id: str
    title: str
    version: str
    why: Why


def unfit(packages: Iterable[Package], wanted: str) -> list[Unfit]:
    """Those that do not say that they work with the `wanted` version, the worst first.

    As Foundry reads the manifests (Introduction to Module Development, compatibility): `minimum` and `maximum`
    bound the versions it loads a package in, each as exact as it is written; `verified` its author has tried. Of a
    world it opens what an older version has left, never what a newer one has (`coreVersion`).
    """
    found = [
        Unfit(
            type=package["type"],
            id=package["id"],
            title=package.get("title", package["id"]),
            version=package.get("version", ""),
            why=why,
        )
        for package in packages
        if (why := _why(package, wanted))
    ]
    return sorted(found, key=lambda one: (one["why"] == "untested", one["type"], one["id"]))


def _why(package: Package, wanted: str) -> Why | None:
    version = _numbers(wanted)
    if not version:
        return None  # "release": which version that is, shows when it has been started
    if package["type"] == "world":
        left_by = _numbers(package.get("coreVersion"))
        return "too-new" if left_by and left_by[0] > version[0] else None
    maximum, minimum = _numbers(package.get("maximum")), _numbers(package.get("minimum"))
    if maximum and version[: len(maximum)] > maximum:
        return "too-old"
    if minimum and version < minimum[: len(version)]:
        return "too-new"
    verified = _numbers(package.get("verified"))
    return "untested" if verified and version[0] > verified[0] else None


def _numbers(text: str | None) -> tuple[int, ...]:
    """The numbers of a version as Foundry writes it, 13 or 13.351; none of anything else."""
    parts = (text or "").split(".")
    is_one = all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts)
    return tuple(int(part) for part in parts) if is_one else ()

"""Where what is in an archive goes: packages to their places, other data beside what is there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from itertools import count
from pathlib import Path

from .archives import CHUNK
from .contents import Content, Contents, Manifest, plausible
from .failures import Failed, Refused
from .inventory import MANIFEST_BYTES, package
from .places import KINDS, is_directory
from .texts import Json, parsed, read

ASSETS = "assets"
_EXPORTED = "data/Data"  # in our own export, beside `assets`
_NOT_DATA = ("Config", "Logs", "Backups", "container_cache")  # beside Data: never taken
_HOMES = ("Data", *(f"Data/{folder}" for folder in KINDS.values()))  # directories, if they are here
_MOST_MISSING = 100


@dataclass(frozen=True)
class Package:
    """A directory of the archive that has a manifest, and is in no other such directory."""

    place: str  # "" if it is all of the archive
    id: str
    manifest: Manifest

    @property
    def home(self) -> str:
        """The directory of Foundry's data that it lies in, or "." if it lies elsewhere."""
        above, folder = os.path.split(os.path.dirname(self.place))
        return above if folder == KINDS[self.manifest.kind] else "."

    @property
    def rank(self) -> int:
        """Worlds before systems, and modules last."""
        return list(KINDS).index(self.manifest.kind)

    @property
    def target(self) -> str:
        """Where Foundry has it."""
        return f"Data/{KINDS[self.manifest.kind]}/{self.id}"


@dataclass
class Layout:
    """`targets` has each file that comes, and where to, in the server's directory or below `assets`."""

    targets: dict[str, str] = field(default_factory=dict)
    directories: list[str] = field(default_factory=list)  # of packages; they may be empty
    renamed: dict[str, tuple[str, str]] = field(default_factory=dict)  # manifests: old and new id
    packages: list[Json] = field(default_factory=list)
    missing: list[Json] = field(default_factory=list)
    loose: int = 0
    assets: int = 0
    renamed_files: int = 0


def arrange(contents: Contents, data: Path) -> Layout:
    """Decide on everything that an archive holds, by what is in the server's directory."""
    _see_directories(data)
    found = _find(contents)
    taken = _without_doubles(found.packages)
    if not taken and not found.exported:
        raise Refused("nothing-found")
    layout = Layout(missing=_missing(taken, data))
    targets = {one.place: _target(layout, one, taken, data) for one in taken}
    coming = {place: target for place, target in targets.items() if target}
    for path in sorted(contents.directories):
        place = found.package_of(f"{path}/")
        if place in coming:
            layout.directories.append(f"{coming[place]}/{_below(path, place)}".rstrip("/"))
    loose = _spread(layout, contents, found, coming)
    _put_beside(layout, contents, loose, set(coming.values()), data)
    return layout


def _see_directories(data: Path) -> None:
    """Before anything is moved to there: through a link it would go elsewhere."""
    for directory in _HOMES:
        if os.path.lexists(data / directory) and not is_directory(data / directory):
            raise Failed("unexpected", f"{directory} is no directory.")


def _spread(
    layout: Layout, contents: Contents, found: _Found, coming: dict[str, str]
) -> dict[str, str]:
    """Files of packages and assets have their targets; what is besides, and where it would like to be."""
    loose: dict[str, str] = {}
    for path in contents.files:
        place = found.package_of(path)
        if place in coming:
            layout.targets[path] = f"{coming[place]}/{_below(path, place)}"
        elif place is None and found.exported and path.startswith(f"{ASSETS}/"):
            layout.targets[path] = path
            layout.assets += 1
        elif place is None and (home := found.home_of(path)) is not None:
            loose[path] = f"Data/{_below(path, home)}"
    return loose


@dataclass(frozen=True)
class _Found:
    """What of an archive is to be looked at."""

    packages: dict[str, Package]  # by their places
    homes: set[str]  # directories that are Foundry's data
    hidden: set[str]  # what is never taken
    exported: bool  # whether it is our own export

    def package_of(self, path: str) -> str | None:
        """The place of the package that a path is in."""
        return _above(path, self.packages)

    def home_of(self, path: str) -> str | None:
        """The data that a path is in, unless it is never taken."""
        return None if _above(path, self.hidden) is not None else _above(path, self.homes)


def _find(contents: Contents) -> _Found:
    exported = _EXPORTED in contents.directories and ASSETS in contents.directories
    packages = _packages(contents, exported)
    known = {_EXPORTED} if exported else set[str]()
    homes = known | {one.home for one in packages.values() if one.home != "."}
    hidden = {
        os.path.join(top, name) for home in homes for top in _tops(home) for name in _NOT_DATA
    }
    packages = {p: one for p, one in packages.items() if _above(f"{p}/", hidden) is None}
    homes &= known | {one.home for one in packages.values()}
    return _Found(packages, homes, hidden, exported)


def _tops(home: str) -> Iterator[str]:
    """Where what is never taken lies: beside Data, or in what may be Data and all around it in one."""
    yield home
    if os.path.basename(home) == "Data":
        yield os.path.dirname(home)


def _above(path: str, places: Collection[str]) -> str | None:
    """The nearest of the directories that a path is in; one that ends with "/" is in itself."""
    while path.strip("/"):
        path = os.path.dirname(path)
        if path in places:
            return path
    return None


def _below(path: str, place: str) -> str:
    return path[len(place) :].lstrip("/")


# --- packages ----------------------------------------------------------------------------------------


def _packages(contents: Contents, exported: bool) -> dict[str, Package]:
    """By their places. What is in a package is a part of it, whatever manifests are there."""
    found: dict[str, Package] = {}
    by_place: dict[str, list[Package]] = {}
    for path, manifest in contents.manifests.items():
        place = os.path.dirname(path)
        name = manifest.id or plausible(os.path.basename(place))
        one = Package(place, name, manifest)
        if name and (manifest.is_one or one.home != "."):
            by_place.setdefault(place, []).append(one)
    for place in sorted(by_place):
        if _above(place, found) is None and not (exported and f"{place}/".startswith(f"{ASSETS}/")):
            found[place] = min(by_place[place], key=lambda p: (p.home == ".", p.rank))
    return found


def _without_doubles(packages: dict[str, Package]) -> list[Package]:
    """Of two by one name the one in Foundry's place counts; worlds first, then systems and modules."""
    by_target: dict[str, list[Package]] = {}
    for one in packages.values():
        by_target.setdefault(one.target, []).append(one)
    for target, ones in by_target.items():
        found = [one for one in ones if one.home != "."] or ones
        if len(found) > 1:
            places = " and ".join(one.place for one in found)
            raise Refused("no-archive", f"It has two of {target}: {places}")
        by_target[target] = found
    return sorted((one for [one] in by_target.values()), key=lambda p: (p.rank, p.id))


def _target(layout: Layout, one: Package, taken: list[Package], data: Path) -> str | None:
    """Where it goes: a world beside one of its name. None of what is here already, and stays as it is."""
    shown = {**one.manifest.shown, "id": one.id}
    layout.packages.append(shown)
    target = one.target
    if not os.path.lexists(data / target):
        return target
    kind = one.manifest.kind
    if kind != "world":
        text = read(data / target / f"{kind}.json", MANIFEST_BYTES) or b""
        here = package(kind, one.id, parsed(text)) if is_directory(data / target) else {}
        shown["kept"] = here.get("version") or ""
        return None
    names = {other.target for other in taken} | {
        f"Data/worlds/{p['renamed']}" for p in layout.packages if "renamed" in p
    }
    number = 2
    while (target := f"Data/worlds/{one.id[:240]}-{number}") in names or os.path.lexists(
        data / target
    ):
        number += 1
    shown["renamed"] = os.path.basename(target)
    layout.renamed[f"{target}/world.json"] = (one.id, shown["renamed"])
    return target


def _missing(taken: list[Package], data: Path) -> list[Json]:
    """What packages need and neither the archive nor the server has."""
    there = {(one.manifest.kind, one.id) for one in taken}
    found: dict[tuple[str, str], str] = {}
    for one in taken:
        for kind, name in one.manifest.required:
            here = plausible(name) and is_directory(data / "Data" / KINDS[kind] / name)
            if (kind, name) not in there and not here:
                found.setdefault((kind, name), one.id)
    return [{"type": kind, "id": name, "neededBy": by} for (kind, name), by in found.items()][
        :_MOST_MISSING
    ]


# --- other data --------------------------------------------------------------------------------------


def _put_beside(
    layout: Layout,
    contents: Contents,
    loose: dict[str, str],
    packages: Collection[str],
    data: Path,
) -> None:
    """Never over what is there: what is the same stays out, and what is another comes beside it."""
    used = set(loose.values())
    files = set[str]()
    directories = {*_HOMES, *(above for place in packages for above in _ways(place))}
    for path, target in sorted(loose.items()):
        if _is_in_package(target, packages, data) or _is(data / target, contents.files[path]):
            continue
        free = _free(target, files, directories, used, data)
        files.add(free)
        directories.update(_ways(os.path.dirname(free)))
        layout.targets[path] = free
        layout.loose += 1
        layout.renamed_files += free != target


def _ways(path: str) -> Iterator[str]:
    """A directory and those above it."""
    while path:
        yield path
        path = os.path.dirname(path)


def _is_in_package(target: str, coming: Collection[str], data: Path) -> bool:
    """Whether it would get into a package of another origin."""
    parts = target.split("/")
    place = "/".join(parts[:3])
    kind = next((kind for kind, folder in KINDS.items() if folder == parts[1]), "")
    if not kind or len(parts) < 4:
        return False
    return place in coming or os.path.lexists(data / place / f"{kind}.json")


def _is(place: Path, content: Content) -> bool:
    """Whether that is there already."""
    if place.is_symlink() or not place.is_file() or place.stat().st_size != content.size:
        return False
    digest = blake2b(digest_size=16)
    with open(place, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.digest() == content.digest


def _free(
    target: str,
    files: Collection[str],
    directories: Collection[str],
    used: Collection[str],
    data: Path,
) -> str:
    """The target, or the next name where something else is; of directories, where a file or a link is."""
    *parents, name = target.split("/")
    here = ""
    for parent in parents:
        places = _numbered(here, parent)
        here = next(p for p in places if p not in files and not _bars(data / p)) + "/"
    return next(
        place
        for place in _numbered(here, name)
        if place not in files
        and place not in directories
        and (place == target or place not in used)
        and not os.path.lexists(data / place)
    )


def _numbered(here: str, name: str) -> Iterator[str]:
    yield here + name
    stem, suffix = os.path.splitext(name)
    for number in count(2):
        yield f"{here}{stem}-{number}{suffix}"


@cache
def _bars(place: Path) -> bool:
    """Whether nothing can be put below it."""
    return os.path.lexists(place) and not is_directory(place)

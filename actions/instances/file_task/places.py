"""What lies where in a server's directory."""

from __future__ import annotations

import os
from pathlib import Path

# Never saved, never touched: what the platform writes anew, secrets, and what can be fetched again.
KEPT = ("container_cache", "Config/license.json", "Config/admin.txt", "Config/options.json.lock")
KEPT_BEGINNING = ".restoring"  # of names in the server's directory: what is being put back
KEPT_END = ".new"  # of names in Config: what container.sh was writing when it was killed
CLEAN_STOP = "Config/clean-stop"  # written by container.sh; its first line is Foundry's build
SIGNATURES = "Config/signatures"  # those that came since stay beside those of the save
OPENED = ("Config", SIGNATURES)  # directories that are put back entry by entry
# The only file of a save of an empty directory, as restic saves no empty one.
NOTHING = ".nothing-saved"

# Of packages, worlds first: their folders in Data.
KINDS = {"world": "worlds", "system": "systems", "module": "modules"}
ID = 255  # characters of the name of a package's directory


def kept(path: str) -> bool:
    """Whether this path within the server's directory is neither saved nor touched."""
    top, _, below = path.partition("/")
    new = top == "Config" and below.endswith(KEPT_END) and "/" not in below
    return path in KEPT or top.startswith(KEPT_BEGINNING) or new


def is_directory(path: Path) -> bool:
    """And no link to one."""
    return path.is_dir() and not path.is_symlink()


def names_in(directory: Path) -> list[str]:
    """None if it is no directory."""
    return os.listdir(directory) if is_directory(directory) else []


def directories(parent: Path) -> list[Path]:
    """Real ones: of a link, only the link is saved."""
    try:
        with os.scandir(parent) as entries:
            found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [parent / name for name in sorted(found)]

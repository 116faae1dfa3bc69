"""Where an emulator whose own directory is `top` keeps what others look for."""

from __future__ import annotations

from pathlib import Path


def switches(top: Path) -> Path:
    """Where it is told what goes wrong at which table (`local/foundry.py`)."""
    (top / "switches").mkdir(exist_ok=True)
    return top / "switches"


def files(top: Path, file_system: str, path: str) -> Path:
    """A directory of a file system (`local/servers.py`)."""
    return top / "efs" / file_system / path.lstrip("/")

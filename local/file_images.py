"""The images of file tasks, played: restic's and rclone's, which hand over a program, and Python's.

Their programs are this machine's, at other paths than in the images. Where one is missing its container says so,
and ends as one that has no such program.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INSTALLED_BY = "apt-get install restic rclone"
NO_SUCH_PROGRAM = 127  # how a shell ends that cannot find it
_TOOLS = {"restic": "/usr/bin/restic", "rclone": "/usr/local/bin/rclone"}
_TOOL = re.compile(r"(?:^|/)(restic|rclone)/\1[:@]")
_PYTHON = re.compile(r"(?:^|/)library/python[:@]")


@dataclass(frozen=True)
class Image:
    """An image as a container has it: its environment, and where files of it are on this machine."""

    environment: dict[str, str]
    files: Mapping[str, Path] = field(default_factory=dict)
    lacks: str = ""  # what it says instead of doing anything
    is_program: bool = (
        False  # its words are a program's text, which finds what it needs by its environment
    )


def missing() -> list[str]:
    """The programs that file tasks need and this machine has not."""
    return [tool for tool in _TOOLS if shutil.which(tool) is None]


def hint() -> str:
    """What to say of saves in passing where they cannot be made."""
    lacking = " and ".join(missing())
    return f" (not here: {lacking} missing; `{INSTALLED_BY}`)" if lacking else ""


def is_python(image: str) -> bool:
    """Whether that is the image that runs the program of file tasks."""
    return bool(_PYTHON.search(image))


def unpack(image: str, home: Path) -> Image | None:
    """Prepare where a container begins; None for any other image."""
    tool = _TOOL.search(image)
    if not tool and not is_python(image):
        return None
    programs = home / "bin"
    programs.mkdir(parents=True)
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}
    if not tool:
        # This environment's packages are none of the image's.
        (programs / "python3").symlink_to(os.path.realpath(sys.executable))
        return Image(environment, is_program=True)
    (programs / "chown").symlink_to(
        shutil.which("true") or "/bin/true"
    )  # all stays who runs this's
    found = shutil.which(tool[1])
    if found is None:
        lacks = f"There is no {tool[1]} on this machine; on Debian, `{INSTALLED_BY}` installs it"
        return Image(environment, lacks=lacks)
    return Image(environment, {_TOOLS[tool[1]]: Path(found)})

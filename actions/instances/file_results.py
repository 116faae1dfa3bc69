"""What a file task reports (file_task.py): read with care, since what it tells of are members' files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from actions.action import Request
from actions.instances.file_definition import TOOLS
from services.ecs import Task
from services.saves import Package

Size = Annotated[int, Field(ge=0, lt=2**53)]
Text = Annotated[str, Field(max_length=200)]
_SNAPSHOT = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_NO_SUCH_PROGRAM = 127  # how a shell ends that finds none (POSIX, Shell Command Language, 2.8.2)
LOST = "unexpected"  # the word for a task that has ended without saying how

# What a task says of its failure, in words for the member (file_task.py has the list).
WORDS = {
    "no-space": "There was no room for it.",
    "no-repository": "The saves could not be found; tell the operator.",
    "wrong-password": "The saves could not be opened; tell the operator.",
    "no-such-save": "That save is not there any more.",
    "no-such-part": "The save does not have that.",
    "unreachable": "The saves could not be reached.",
    "damaged": "The saves are damaged; tell the operator.",
    "unreadable": "Some files could not be read.",
    "no-such-upload": "The upload is not there any more.",
    "no-archive": "It is no zip or tar that can be read.",
    "unsafe": "It holds something that is not let in.",
    "too-big": "It needs more room than there is for you.",
    "nothing-found": "There is no world, system or module in it.",
    "no-tools": "Here is no program that saves: on Debian, `apt-get install restic rclone` installs it.",
    LOST: "It ended before it was done.",
}


class Checked(Request):
    """What came of a look at a part of the repository."""

    part: Text
    problems: Annotated[tuple[Text, ...], Field(max_length=20, strict=False)] = ()


class Exported(Request):
    """What a zip holds, and what it weighs."""

    files: Size
    bytes: Size


class Need(Request):
    """A package that another one needs, and that is neither in the upload nor on the server."""

    type: Text
    id: Text
    needed_by: Text


class Found(Request):
    """What an upload holds, or what of it was taken in."""

    files: Size
    bytes: Size
    assets: Size = 0
    loose: Size = 0  # beside packages
    renamed_files: Size = 0  # of those, since others are there by their names
    packages: Annotated[tuple[dict[str, Any], ...], Field(max_length=1000, strict=False)] = ()
    missing: Annotated[tuple[Need, ...], Field(max_length=100, strict=False)] = ()

    @property
    def shown_packages(self) -> list[Package]:
        """The packages, with what becomes of them where the server has one by the same id."""
        return _shown(self.packages, {**Package.__annotations__, "renamed": str, "kept": str})

    @property
    def in_words(self) -> str:
        """How much of it comes: what the server has already stays as it is."""
        come = [package for package in self.packages if "kept" not in package]
        kinds = Counter(str(package.get("type")) for package in come)
        counted = [
            f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(kinds.items())
        ]
        return ", ".join([*counted, f"{self.files:,} files"])


def _shown(packages: Iterable[dict[str, Any]], names: Collection[str]) -> list[Package]:
    return [
        {k: str(v)[:100] for k, v in package.items() if k in names and isinstance(v, str)}  # type: ignore[misc]
        for package in packages
    ]


class FileResult(Request):
    """A report, of what a file task has done."""

    run: Text
    do: Literal["save", "restore", "export", "inspect", "import"]
    snapshot: _SNAPSHOT | None = None
    at: Size = 0
    bytes: Size = 0
    added_bytes: Size = 0
    files: Size = 0
    build: Text | None = None
    clean: bool | None = None
    packages: Annotated[tuple[dict[str, Any], ...], Field(max_length=1000, strict=False)] = ()
    forgot: Annotated[tuple[_SNAPSHOT, ...], Field(max_length=100, strict=False)] = ()
    checked: Checked | None = None
    repository_bytes: Size | None = None
    restored: dict[str, Any] | None = None
    exported: Exported | None = None
    inspected: Found | None = None
    imported: Found | None = None
    failed: Text | None = None
    detail: Text | None = None  # of an upload: what is wrong with it
    begun: bool = True  # of a restore that failed: whether files may be neither here nor there

    @property
    def is_done(self) -> bool:
        """Whether what was ordered has been done."""
        done: dict[str, object] = {
            "save": self.snapshot,
            "restore": self.restored,
            "export": self.exported,
            "inspect": self.inspected,
            "import": self.imported,
        }
        return bool(done[self.do])

    @property
    def shown_packages(self) -> list[Package]:
        """The packages, without anything that a save's item has no name for."""
        return _shown(self.packages, Package.__annotations__)


def result_of(found: dict[str, Any] | None, run_id: str) -> FileResult | None:
    """The report, or None where there is none, or none of that run's."""
    try:
        result = FileResult.model_validate(found) if found else None
    except ValidationError:
        return None
    return result if result and result.run == run_id else None


def without_tools(task: Task, run_id: str, do: Any) -> FileResult | None:
    """What a task could not report for want of the programs that report, or None if it had them."""
    codes = task.exit_codes or {}
    if all(codes.get(tool) != _NO_SUCH_PROGRAM for tool in TOOLS):
        return None
    return FileResult(run=run_id, do=do, failed="no-tools")

"""What runs on this machine, as `ps` shows it."""

from __future__ import annotations

import subprocess


def descendants(pid: int) -> set[int]:
    """The process ids of all children, their children and so on."""
    pairs = [(int(child), int(parent)) for child, parent in _listed("ppid")]
    found, parents = set[int](), {pid}
    while parents:
        parents = {child for child, parent in pairs if parent in parents}
        found |= parents
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that run; what is dead but not yet cleared away does not."""
    return pids & {int(pid) for pid, state in _listed("stat") if not state.startswith("Z")}


def halted() -> set[int]:
    """Those that SIGSTOP has stopped."""
    return {int(pid) for pid, state in _listed("stat") if state.startswith("T")}


def _listed(what: str) -> list[list[str]]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=", "-o", f"{what}="], capture_output=True, text=True, check=True
    )
    return [line.split() for line in listed.stdout.splitlines()]

"""`python contained.py WORD ...`: a command as the first process of a container.

When it ends, all that it has started ends, whatever group or session that has put itself into; SIGTERM goes to it
alone. And all ends when our stdin does, whose other end our starter holds: when the container is killed, or who
plays it is gone. We hold a lock on the file that LOCK names, so that somebody can wait until all of that is over.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

_BE_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: whose parent ends becomes our child
KILLED = 128 + signal.SIGKILL


def main() -> int:
    """Returns the exit code of the command, as a container has it."""
    ended = Ending()
    signal.signal(signal.SIGTERM, ended)
    lock = os.open(os.environ.pop("LOCK"), os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    _adopt()
    try:
        command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"exec {sys.argv[1]}: {error.strerror}", file=sys.stderr)
        return 127
    threading.Thread(target=_end_with_starter, args=(ended,), daemon=True).start()
    ended.command = command.pid
    ended.pass_on()
    code = _wait_for(command.pid)
    ended.command = None
    _kill_all()
    return KILLED if ended.is_killed else code


class Ending:
    """What SIGTERM does, even if it comes before there is a command to end."""

    def __init__(self) -> None:
        self.command: int | None = None
        self.is_killed = False
        self._asked = False

    def __call__(self, order: int, frame: FrameType | None) -> None:
        self._asked = True
        self.pass_on()

    def pass_on(self) -> None:
        """Let the command know, once there is one, if we were asked to end."""
        if self._asked and self.command:
            with suppress(ProcessLookupError):
                os.kill(self.command, signal.SIGTERM)


def _wait_for(command: int) -> int:
    """The exit code of the command; whoever of its children is left to us is cleared away, as dead ones count."""
    with suppress(ChildProcessError):  # it was killed, and is cleared away already
        while True:
            pid, status = os.wait()
            if pid == command:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
    return KILLED


def _adopt() -> None:
    """Elsewhere than on Linux, what leaves the command's session is lost sight of."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_BE_SUBREAPER, 1, 0, 0, 0)


def _end_with_starter(ended: Ending) -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes to it: it returns when the other end is closed
    ended.is_killed = True
    _kill_all()
    os._exit(KILLED)


def _kill_all() -> None:
    while found := _descendants():
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.005)


def _descendants() -> set[int]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z" or int(parent) == os.getpid():
                parents[int(stat.parent.name)] = int(parent)
    found, newest = set[int](), {os.getpid()}
    while newest:
        newest = {pid for pid, parent in parents.items() if parent in newest} - found
        found |= newest
    return found


if __name__ == "__main__":
    sys.exit(main())

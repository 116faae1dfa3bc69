"""`python -m local.leashed MODULE ...`: `python -m MODULE ...`, ended with its group when its starter is gone.

Whoever starts it by `child(..., leashed=True)` holds the other end of its stdin, and lets go of it even if killed.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Run the module that the first argument names."""
    held = os.dup(sys.stdin.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())  # for the module, and for what it starts
    os.close(nothing)
    threading.Thread(target=_end_with_starter, args=(held,), daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_starter(held: int) -> None:
    os.read(held, 1)  # nobody writes to it: it returns when the other end is closed
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()

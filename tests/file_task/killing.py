"""File tasks that are ended: at some moment, or before one of the steps that change something."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.file_task.computer import PROGRAM, Computer

SECTION = "Saving and putting back, interrupted"
SIZES = [pytest.param(6, id="small"), pytest.param(200, id="full", marks=pytest.mark.prove)]
STEPS = "os.rename os.chmod os.utime os.mkdir os.remove os.rmdir shutil.rmtree subprocess.Popen"


def interrupted(
    task: subprocess.Popen[str], seconds: float, number: int
) -> tuple[signal.Signals, bool]:
    """End a task after some seconds, unless it has ended: by what, and whether it was; each third is asked to.

    SIGTERM is for the program alone, as ECS has it.
    """
    by = signal.SIGTERM if number % 3 == 2 else signal.SIGKILL
    try:
        task.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        if by is signal.SIGTERM:
            task.send_signal(by)
        else:
            os.killpg(task.pid, by)
        task.communicate(timeout=120)
    # Before the program has begun to listen, SIGTERM ends Python itself; to ECS that is 143, too.
    ended = (-by,) if by is signal.SIGKILL else (-by, 143)
    assert task.returncode in (0, *ended)
    return by, task.returncode != 0


def duration(act: Any) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def watched(act: str) -> str:
    """The program, of whose steps each calls `act`, which knows `event`, `given` and how many there were: `n`."""
    return (
        "import os, sys\n"
        "n = 0\n"
        "def step(event, given):\n"
        "    global n\n"
        f"    if event in {STEPS.split()!r}:\n"
        "        n += 1\n"
        f"        {act}\n"
        "sys.addaudithook(step)\n"
    ) + PROGRAM


def steps_of(computer: Computer, order: dict[str, Any]) -> list[str]:
    """What an order that is carried out does, step by step."""
    listing = computer.root / "steps"
    act = f"os.write(os.open({str(listing)!r}, 1025 | 64), f'{{event}} {{given!r}}\\n'.encode())"
    task = computer.start(order, watched(act))
    log, _ = task.communicate(timeout=120)
    assert task.returncode == 0, log
    return listing.read_text().splitlines()


def kill_when(computer: Computer, order: dict[str, Any], condition: str) -> None:
    """Have an order carried out until it is killed, with all that it has started, before a step that is so."""
    task = computer.start(order, watched(f"({condition}) and os.killpg(0, 9)"))
    task.communicate(timeout=120)
    assert task.returncode == -signal.SIGKILL

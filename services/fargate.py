"""The sizes of task that Fargate has (AWS Fargate, Task CPU and memory)."""

from __future__ import annotations

from typing import NamedTuple

# CPU units, 1024 to the vCPU: the least and the most memory in MiB. Between them it goes by whole GB.
_MEMORY = {
    256: (512, 2048),
    512: (1024, 4096),
    1024: (2048, 8192),
    2048: (4096, 16384),
    4096: (8192, 30720),
}


class Size(NamedTuple):
    """CPU units, 1024 to the vCPU, and MiB of a task."""

    cpu: int
    memory: int


def least_cpu(memory: int, at_least: int) -> int | None:
    """The fewest CPU units, from `at_least` on, that go with so much memory; None if Fargate has no such task."""
    if memory % 1024 and memory != 512:
        return None
    return next(
        (
            cpu
            for cpu, (least, most) in _MEMORY.items()
            if cpu >= at_least and least <= memory <= most
        ),
        None,
    )

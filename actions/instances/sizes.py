"""How much memory a server has: the operator's size, or twice, four times, eight times that, up to a bound.

ECS takes another size when a task is run (RunTask, `overrides`), so no task definition is made for it.
"""

from __future__ import annotations

from actions.errors import InvalidRequest
from services.fargate import Size, least_cpu
from services.instances import Instance
from services.settings import Settings

_MOST_DOUBLED = 3


def allowed(settings: Settings) -> list[int]:
    """The memory, in MiB, that a member may ask for, the operator's own first."""
    doubled = [settings.task_memory << n for n in range(1, _MOST_DOUBLED + 1)]
    larger = [memory for memory in doubled if memory <= settings.largest_memory]
    return [
        settings.task_memory,
        *(memory for memory in larger if least_cpu(memory, settings.task_cpu)),
    ]


def size(settings: Settings, memory: int | None) -> Size:
    """The size with so much memory, or with as much as is allowed by now if that is less."""
    fitting = [each for each in allowed(settings) if each <= (memory or 0)]
    found = fitting[-1] if fitting else settings.task_memory
    cpu = least_cpu(found, settings.task_cpu) if found != settings.task_memory else None
    return Size(cpu or settings.task_cpu, found)


def size_of(settings: Settings, instance: Instance) -> Size:
    """The size that the member has chosen."""
    return size(settings, instance.get("memory"))


def next_larger(settings: Settings, memory: int) -> int | None:
    """The next larger memory that is allowed; None if there is none."""
    return next((each for each in allowed(settings) if each > memory), None)


def refuse_unless_allowed(settings: Settings, memory: int) -> None:
    """Raise InvalidRequest for memory that is not allowed."""
    sizes = allowed(settings)
    if memory not in sizes:
        raise InvalidRequest(
            "memory is not a size that there is.",
            field="memory",
            suggestion=f"Send one of these, in MiB: {', '.join(map(str, sizes))}.",
        )

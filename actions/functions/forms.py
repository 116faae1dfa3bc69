"""What a member says of a function: each form with its rules."""

from __future__ import annotations

import json
import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from actions.action import hinted

# What ECS takes of a size, on Fargate: memory in MiB by CPU units (Amazon ECS, Task CPU and memory).
SIZES: dict[int, range] = {
    256: range(512, 2049, 512),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
}
SMALLEST = 256, 512
MOST_REPLICAS = 10
LONGEST_PAGE = 100
HIDDEN = "***"  # what is shown of a secret value; sent back, it stands for the value that there is
# A task definition holds 64 KB as JSON, in which a character may take twelve bytes (Amazon ECS service quotas).
_ENV_BYTES, _COMMAND_BYTES = 16_384, 8_192
_RESERVED = ("INPUT_JSON", "INPUT_URL")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
# distribution/reference: [host[:port]/]path[:tag][@digest]
_IMAGE = re.compile(
    r"(?:(?P<host>(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"(?::[0-9]{1,5})?)/)?"
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


def _image(text: str) -> str:
    if not _IMAGE.fullmatch(text):
        raise ValueError(text)
    return text


def _one_line(text: str) -> str:
    if "\x00" in text:
        raise ValueError(text)
    return text


def _env(variables: dict[str, str]) -> dict[str, str]:
    if wrong := next((name for name in variables if not _VARIABLE.fullmatch(name)), None):
        raise ValueError(
            f"{wrong[:128]!r} is no name of a variable: use letters, digits and underscores, no digit first."
        )
    if reserved := next((name for name in variables if name in _RESERVED), None):
        raise ValueError(f"{reserved} is the platform's own: an invocation's input is in it.")
    if sum(_size(name) + _size(value) for name, value in variables.items()) > _ENV_BYTES:
        raise ValueError(f"All variables together have at most {_ENV_BYTES:,} bytes.")
    return variables


def _command(words: list[str]) -> list[str]:
    if sum(map(_size, words)) > _COMMAND_BYTES:
        raise ValueError(f"A command has at most {_COMMAND_BYTES:,} bytes.")
    return words


def _size(text: str) -> int:
    return len(json.dumps(text)) - 2


Name = Annotated[
    str,
    Field(min_length=1, max_length=40, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
    hinted("Use 1 to 40 lower case letters, digits and hyphens, no hyphen at either end."),
]
AnyName = Annotated[str, Field(min_length=1, max_length=255)]  # of one that there may be
Image = Annotated[
    str,
    Field(min_length=1, max_length=255),
    AfterValidator(_image),
    hinted("Name an image such as nginx:alpine or ghcr.io/owner/image:tag."),
]
Replicas = Annotated[int, Field(ge=0, le=MOST_REPLICAS)]
_Text = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_one_line)]
Command = Annotated[list[_Text], Field(max_length=64), AfterValidator(_command)]
Env = Annotated[dict[str, _Text], Field(max_length=64), AfterValidator(_env)]


def size_hint(cpu: int, memory: int) -> str | None:
    """What is wrong with a size, CPU units and MiB; None if Fargate has it."""
    if cpu not in SIZES:
        return f"cpu is one of {', '.join(map(str, SIZES))} (1024 are one vCPU)."
    if memory not in SIZES[cpu]:
        sizes = SIZES[cpu]
        return f"With cpu {cpu}, memory is {sizes[0]} to {sizes[-1]} MiB in steps of {sizes.step}."
    return None


def full_reference(image: str) -> str:
    """An image's name with its registry, as Docker understands it: `nginx` is `docker.io/library/nginx`."""
    found = _IMAGE.fullmatch(image)
    assert found  # noqa: S101 - for mypy: forms.Image has checked it
    host, path = found["host"], found["path"]
    if host is None or not (re.search(r"[.:]", host) or host == "localhost"):
        path = f"{host}/{path}" if host else path
        host = "docker.io"
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return f"{host}/{path}"


def is_from(image: str, registries: list[str]) -> bool:
    """Whether an image comes from one of the registries, or parts of them; from any if there is none."""
    full = full_reference(image)
    return not registries or any(full.startswith(f"{name.rstrip('/')}/") for name in registries)

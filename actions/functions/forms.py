"""What a member says of a function: each form with its rules."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from actions.action import hinted
from actions.errors import InvalidRequest

# What ECS takes of a size, on Fargate: memory in MiB by CPU units (Amazon ECS, Task CPU and memory).
SIZES: dict[int, Sequence[int]] = {
    256: (512, 1024, 2048),
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
_TAG, _DIGEST = (
    re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII),
    re.compile(r"sha256:[0-9a-f]{64}", re.ASCII),
)
_HOST_PART, _PORT = re.compile(r"[A-Za-z0-9-]{1,63}", re.ASCII), re.compile(r"[0-9]{1,5}", re.ASCII)
_BETWEEN = re.compile(r"[^a-z0-9]+")


def _image(text: str) -> str:
    parted_reference(text)
    return text


def parted_reference(text: str) -> tuple[str | None, str]:
    """The registry that an image names, if it names one, and its path there, without tag and digest.

    Raises ValueError for what is no reference: [host[:port]/]path[:tag][@digest] (distribution/reference).
    """
    name, at, digest = text.partition("@")
    first, slash, rest = name.partition("/")
    names_host = bool(slash) and (bool({".", ":"} & set(first)) or first == "localhost")
    host, path = (first, rest) if names_host else (None, name)
    _, colon, tag = path.rpartition("/")[2].partition(":")
    if colon:
        path = path.removesuffix(f":{tag}")
    if (at and not _DIGEST.fullmatch(digest)) or (colon and not _TAG.fullmatch(tag)):
        raise ValueError(text)
    if (host is not None and not _is_host(host)) or not all(map(_is_part, path.split("/"))):
        raise ValueError(text)
    return host, path


def _is_host(text: str) -> bool:
    host, colon, port = text.partition(":")
    parts = host.split(".")
    return all(_HOST_PART.fullmatch(p) and p.strip("-") == p for p in parts) and (
        not colon or bool(_PORT.fullmatch(port))
    )


def _is_part(text: str) -> bool:
    """Lower case letters and digits, between which there may be a point, one or two underscores, or hyphens."""
    between = _BETWEEN.findall(text)
    allowed = all(b in (".", "_", "__") or not b.strip("-") for b in between)
    return bool(text) and text[0].isalnum() and text[-1].isalnum() and allowed


def _one_line(text: str) -> str:
    if "\x00" in text:
        raise ValueError(text)
    return text


def refuse_too_long(plain: dict[str, str], secret_sizes: dict[str, int]) -> None:
    """Raise InvalidRequest if all variables together, the secret ones included, are longer than they may be."""
    whole = sum(_size(name) + _size(value) for name, value in plain.items())
    if whole + sum(secret_sizes.values()) > _ENV_BYTES:
        raise InvalidRequest(
            "env is not valid.",
            field="env",
            suggestion=f"All variables together have at most {_ENV_BYTES:,} bytes.",
        )


def secret_sizes_of(secrets: dict[str, str]) -> dict[str, int]:
    """How long secret variables are, by name: in bytes of JSON, with their names."""
    return {name: _size(name) + _size(value) for name, value in secrets.items()}


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
        return f"With cpu {cpu}, memory is one of {', '.join(map(str, SIZES[cpu]))} MiB."
    return None


def full_reference(image: str) -> str:
    """An image's name with its registry, as Docker understands it: `nginx` is `docker.io/library/nginx`."""
    host, path = parted_reference(image)
    host = host or "docker.io"
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return f"{host}/{path}"


def is_from(image: str, registries: list[str]) -> bool:
    """Whether an image comes from one of the registries, or parts of them; from any if there is none."""
    full = full_reference(image)
    return not registries or any(full.startswith(f"{name.rstrip('/')}/") for name in registries)

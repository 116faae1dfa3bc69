"""What a surface is: its routes, the addresses that are its own, and the words in which it answers an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter

from handler import failures

BODY_BYTES = 1_000_000

# From an error, its HTTP status and the request's id to the body of the answer.
Wording = Callable[[Exception, int, str], dict[str, Any]]


def full(error: Exception, _: int, request_id: str) -> dict[str, Any]:
    """The error object of a direct invocation (docs/actions.md)."""
    return failures.answer(error, request_id)


def brief(error: Exception, status: int, request_id: str) -> dict[str, Any]:
    """`{error, message}`: the status in words, and what was wrong with what to do."""
    said = failures.answer(error, request_id)
    hint = said.get("details", {}).get("suggestion")
    message = f"{said['error'].removesuffix('.')}. {hint}" if hint else said["error"]
    return {"error": HTTPStatus(status).phrase, "message": message}


def _owns_nothing(path: str, method: str) -> bool:
    return False


@dataclass(frozen=True)
class Surface:
    """One API of the application. `owns` tells its addresses by path and method, those without a route included.

    An address that no surface owns answers errors as `brief` does. No body may be longer than `body_bytes`.
    """

    router: APIRouter
    owns: Callable[[str, str], bool] = _owns_nothing
    words: Wording = brief
    body_bytes: int = BODY_BYTES


NOBODYS = Surface(APIRouter())


def surface_of(surfaces: Sequence[Surface], path: str, method: str) -> Surface:
    """The surface that an address is of: the first that owns it."""
    return next((surface for surface in surfaces if surface.owns(path, method)), NOBODYS)

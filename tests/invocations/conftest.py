"""Clients of the platform, and hashes that are quick where a test needs many."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from tests.http.issuing import of_client
from tests.lambda_service import with_a_loop

T = TypeVar("T")


@pytest.fixture
def client(invoke: Callable[..., dict[str, Any]]) -> str:
    """The token of a client that may do everything with functions whose names begin with "my-"."""
    return let_in(invoke, "my_client", ["invoke", "read"], ["my-*"])


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Python's slow hash is a quick one; returns the texts that were hashed."""
    hashed: list[bytes] = []

    def scrypt(text: bytes, *, salt: bytes, **_: int) -> bytes:
        hashed.append(text)
        return hashlib.sha256(salt + text).digest()

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    return hashed


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """What `act` returns for each number, all begun together."""
    begin = threading.Barrier(count)

    def one(number: int) -> T:
        begin.wait()
        return act(number)

    with ThreadPoolExecutor(count, initializer=with_a_loop) as pool:
        return list(pool.map(one, range(count)))


def let_in(
    invoke: Callable[..., dict[str, Any]],
    client_id: str,
    scopes: Sequence[str],
    functions: Sequence[str] = (),
) -> str:
    """Make a client; returns a token of its."""
    may = {"scopes": list(scopes), "functions": list(functions)}
    assert invoke("client-create", userId="admin", clientId=client_id, **may)["success"]
    return of_client(client_id)

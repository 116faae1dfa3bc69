"""The table of clients: programs that have functions invoked, with an id and a secret of their own."""

from __future__ import annotations

import hmac
from typing import TypedDict, cast

from services import clock, ids
from services.dynamodb import Attr, Operation, Position, Table, absent
from services.hashing import slow_hash

KNOWN_SECONDS = 10  # for which a process remembers what a client may
_MOST_KNOWN = 1000


class Client(TypedDict):
    """One client. Of its secret only a slow hash is kept; with `generation` all tokens from before become void."""

    clientId: str
    secretHash: str
    generation: str
    scopes: list[str]
    functions: list[str]
    createdAt: int
    createdBy: str
    changedAt: int


class Clients(Table):
    """Reads and writes of clients."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "clientId")
        self._known: dict[str, tuple[Client | None, int]] = {}

    def find(self, client_id: str) -> Client | None:
        """The client as it is now."""
        return cast("Client | None", self.get(client_id))

    def known(self, client_id: str, generation: str | None = None) -> Client | None:
        """The client as it was at most 10 s ago, or as it is now, if its `generation` was another one then."""
        found, at = self._known.get(client_id, (None, -KNOWN_SECONDS))
        is_another = generation is not None and (not found or found["generation"] != generation)
        if is_another or not 0 <= clock.now() - at < KNOWN_SECONDS:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self.find(client_id)
            self._known[client_id] = found, clock.now()
        return found

    def make(self, client: Client) -> Operation:
        """The operation that stores a client; refused if there is one of that id."""
        return self.put(client, absent("clientId"))

    def change_secret(self, client_id: str, secret: str, now: int) -> Operation:
        """The operation that gives a client another secret, and voids its tokens; refused without such a client."""
        values = {**proof_of(client_id, secret), "changedAt": now}
        return self.update(client_id, Attr("clientId").exists(), values)

    def remove(self, client_id: str) -> Operation:
        """The operation that removes a client, and with it all its tokens; refused without one."""
        return self.delete(client_id, Attr("clientId").exists())

    def listed(self, limit: int, after: Position | None) -> tuple[list[Client], Position | None]:
        """A page of all clients, in no order."""
        items, last = self.page(limit, after)
        return cast("list[Client]", items), last


def proof_of(client_id: str, secret: str) -> dict[str, str]:
    """What is kept of a secret, and the mark of the tokens that it gets from now on."""
    return {"secretHash": _hash(client_id, secret).hex(), "generation": ids.new_id()}


def is_proved(client: Client | None, client_id: str, secret: str) -> bool:
    """Whether `secret` is the client's: in constant time, and as slowly where there is no such client."""
    kept = bytes.fromhex(client["secretHash"]) if client else b""
    return hmac.compare_digest(_hash(client_id, secret), kept)


def _hash(client_id: str, secret: str) -> bytes:
    # An id is one client's alone, and each secret that the platform makes is random: no two hashes are alike.
    return slow_hash(secret.encode(), f"client:{client_id}".encode())

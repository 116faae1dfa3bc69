"""A member who uses the API of functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import handler.http.application  # noqa: F401 - before time stands still: FastAPI cannot be loaded then
from tests.http.issuing import own
from tests.http.shapes import Answer, ask

ASKED = {
    "name": "my-function",
    "image": "nginx:alpine",
    "replicas": 2,
    "command": ["nginx", "-g", "daemon off;"],
    "env": {"ENV": "production", "LOG_LEVEL": "info"},
}


@dataclass(frozen=True)
class Member:
    """One member."""

    user: str = "alice"

    def call(self, method: str, path: str = "", body: Any = None, query: str = "") -> Answer:
        """The answer to a request under /v1/functions."""
        return ask(method, f"/v1/functions{path}", body, token=own(self.user), query=query)

    def create(self, name: str = "dice", **changes: Any) -> Any:
        """A function that was made."""
        asked = {"name": name, "image": "nginx:alpine"} | changes
        answer = self.call("POST", body=asked)
        assert answer.status == 201, answer.body
        return answer.json

    def change(self, name: str = "dice", **changes: Any) -> Any:
        """A function that was changed."""
        answer = self.call("PATCH", f"/{name}", changes)
        assert answer.status == 200, answer.body
        return answer.json

    def get(self, name: str = "dice") -> Any:
        """A function of the member's."""
        answer = self.call("GET", f"/{name}")
        assert answer.status == 200, answer.body
        return answer.json

    def delete(self, name: str = "dice") -> None:
        """End a function."""
        answer = self.call("DELETE", f"/{name}")
        assert answer.status == 204, answer.body


ALICE, BOB = Member("alice"), Member("bob")

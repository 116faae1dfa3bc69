"""The table at a host name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Request, hinted
from actions.errors import TableNotFound
from services.instances import Instance
from services.platform import Platform

# As the browser names it: letters, digits, hyphens and dots (RFC 1123, 2.1).
Host = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^[a-z0-9.-]+$"),
    hinted("Send the host name of the table, in lower case."),
]


class TableRequest(Request):
    """A request about the table at `host`."""

    host: Host


def table_at(platform: Platform, host: str) -> Instance:
    """The instance whose host name it is. Raises TableNotFound.

    One read, since a process remembers whose a host name is, and the instance says whether it still is; a second
    where it does not know, or is wrong.
    """
    for _ in range(2):
        user_id = platform.hosts.user_of(host)
        if user_id is None:
            break
        instance = platform.instances.find(user_id)
        if instance is not None and instance["host"] == host:
            return instance
        platform.hosts.forget(host)  # destroyed, or another's by now
    raise TableNotFound(host)

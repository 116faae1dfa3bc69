"""What lets whoever has it import into a member's server, and do nothing else there: it is part of a link.

A ticket is good for a day, at the server's host, for as long as the server is there. Nothing is stored of one.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode

from actions.errors import BadTicket, TableNotFound
from actions.tables.finding import table_at
from services import clock
from services.instances import Instance
from services.platform import Platform

SECONDS = 86400
_FORM = re.compile(r"([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})", re.ASCII)


def issue(platform: Platform, instance: Instance) -> tuple[str, int]:
    """A ticket for the instance, and until when it is good."""
    until = clock.now() + SECONDS
    return f"{until}.{_signature(platform, instance, until)}", until


def member_of(platform: Platform, host: str, ticket: str) -> str:
    """Into whose server at `host` the ticket lets. Raises BadTicket for what is none, or none any more.

    Of what was made up, or is too old, nothing is looked up.
    """
    found = _FORM.fullmatch(ticket)
    if found is None or not clock.now() < int(found[1]) <= clock.now() + SECONDS:
        raise BadTicket
    try:
        instance = table_at(platform, host)
    except TableNotFound:
        raise BadTicket from None
    expected = _signature(platform, instance, int(found[1]))
    if not hmac.compare_digest(found[2].encode(), expected.encode()):
        raise BadTicket
    return instance["userId"]


def _signature(platform: Platform, instance: Instance, until: int) -> str:
    """Of another server, also one that its member had before, it is another."""
    which = f"{instance['host']}:{instance['userId']}:{instance['instanceId']}:{until}"
    derived = platform.stack_key.derived(f"import-ticket:{which}")
    return urlsafe_b64encode(derived).decode().rstrip("=")

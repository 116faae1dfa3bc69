"""What proves that a page of a table's own was sent, and not something that pretends to be one.

A nonce is good for ten minutes, at its host, once. Nothing is stored of one until it is used.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode

from actions.errors import StalePage
from services import clock, ids
from services.dynamodb import Operation
from services.platform import Platform

SECONDS = 600
_FORM = re.compile(r"([1-9][0-9]{0,11})\.([0-9a-f]{12})\.([A-Za-z0-9_-]{43})", re.ASCII)


def issue(platform: Platform, host: str) -> str:
    """A nonce for the page of the table at `host`."""
    until, own = clock.now() + SECONDS, ids.new_id()
    return f"{until}.{own}.{_signature(platform, host, until, own)}"


def claimed(platform: Platform, host: str, nonce: str) -> Operation:
    """The operation that uses a nonce up, and is refused if it was used. Raises StalePage for what is none.

    Of what was made up nothing is looked up or noted.
    """
    found = _FORM.fullmatch(nonce)
    if found is None:
        raise StalePage
    until, own, signature = int(found[1]), found[2], found[3]
    expected = _signature(platform, host, until, own)
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise StalePage
    if not clock.now() < until <= clock.now() + SECONDS:
        raise StalePage
    return platform.registry.claim_nonce(own, until)


def _signature(platform: Platform, host: str, until: int, own: str) -> str:
    derived = platform.stack_key.derived(f"wake-nonce:{host}:{until}:{own}")
    return urlsafe_b64encode(derived).decode().rstrip("=")

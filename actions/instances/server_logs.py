"""What a server's containers have written, without what nobody may read there."""

from __future__ import annotations

import json
from collections.abc import Iterator

from services.instances import Instance, is_complete
from services.platform import Platform
from services.secrecy import masked

_LONGEST = 2000  # characters of a line that are shown
_READ = 8000  # and that are looked at: what is masked becomes shorter


def known_secrets(platform: Platform, instance: Instance, license_id: str | None) -> list[str]:
    """The values that must never be shown: the member's own, and the key of the licence that was played on.

    As they are, and as JSON writes them. Raises what AWS raises: who does not know them shows nothing.
    """
    if not is_complete(instance):
        return []
    arns = {instance["secretArn"]}
    found = platform.licenses.find(license_id) if license_id else None
    if found:
        arns.add(found["secretArn"])
    known: set[str] = set()
    for arn in arns:
        for value in platform.secrets.cached(arn).values():
            known |= {value, json.dumps(value)[1:-1], *_within(value)}
        known |= {value.replace("-", "") for value in known}
    return [value for value in known if value]


def masked_line(line: str, known: list[str]) -> str:
    """A line of the log as its member may read it."""
    return masked(line[:_READ].rstrip("\n"), known)[:_LONGEST]


def _within(value: str) -> Iterator[str]:
    """The values of one that is a JSON object itself, as the credentials of the bucket are."""
    try:
        inner = json.loads(value)
    except ValueError:
        return
    credentials = inner.get("credentials") if isinstance(inner, dict) else None
    yield from (credentials or {}).values()

"""Host names: what becomes of a user name in DNS."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator

_LONGEST = 30  # of the 63 that DNS allows: room for what tells two of the same name apart
RESERVED = frozenset(
    [
        "admin",
        "api",
        "app",
        "assets",
        "auth",
        "autoconfig",
        "autodiscover",
        "blog",
        "cdn",
        "dev",
        "docs",
        "ftp",
        "help",
        "host",
        "imap",
        "live",
        "localhost",
        "login",
        "mail",
        "monitor",
        "mta-sts",
        "ns",
        "ns1",
        "ns2",
        "pop",
        "prod",
        "root",
        "smtp",
        "static",
        "status",
        "support",
        "vpn",
        "webmail",
        "wpad",
        "www",
    ]
)


def labels(username: str, user_id: str) -> Iterator[str]:
    """DNS labels for a user, the plain one first, then ever more surely unique ones.

    The plain one is the name in lower case without accents, with a hyphen for whatever DNS does not
    know (RFC 1035); a name of which nothing remains, or that is reserved, has none.
    """
    plain = _plain(username)
    digest = hashlib.sha256(user_id.encode()).hexdigest()
    if plain and plain not in RESERVED:
        yield plain
    for length in (4, 8, 16, 32):
        yield f"{plain or 'table'}-{digest[:length]}"


def slug(text: str) -> str:
    """The part of `text` that an S3 bucket's name may hold, at most 20 characters."""
    return _plain(text)[:20].strip("-") or "x"


def _plain(text: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", ascii_only).strip("-")[:_LONGEST].strip("-")

"""What is asked for at the page's addresses. Nobody but the page itself may do anything there.

Other pages of the same browser could post to this machine, too: what is posted has to come from the page's own
origin, and whatever is asked for has to name a host that is this machine's own, so that no name that leads here by
somebody else's DNS is one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.discord.guild import NotPossible
from local.discord.page import doing, showing
from local.discord.page.asked import Asked, Odd
from local.discord.playing import Discord

_HERE = Path(__file__).parent
_HOSTS = ("discord.localhost", "localhost", "127.0.0.1")
_LONGEST = 65_536  # bytes; a form of Discord's holds five fields of 4,000 characters
_FILES = {
    "/": ("page.html", "text/html"),
    "/page/style.css": ("style.css", "text/css"),
    **{
        f"/page/{name}.js": (f"{name}.js", "text/javascript")
        for name in ("main", "composer", "dialog", "messages", "picking", "text")
    },
}
_SHOWS = {"/page/state": showing.state, "/page/commands": showing.commands}
_DOES = {
    "/page/command": doing.command,
    "/page/types": doing.types,
    "/page/press": doing.press,
    "/page/submit": doing.submit,
    "/page/dismiss": doing.dismiss,
}
_HEADERS = {
    # Whatever a message may hold, the browser runs and loads nothing but the page's own files.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Said:
    """An answer: status, headers and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def is_of_page(path: str) -> bool:
    """Whether an address is the page's, and not the API's."""
    return path == "/" or path.startswith("/page/")


def serve(
    discord: Discord,
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    content: bytes,
    port: int,
) -> Said:
    """Answer at one of the page's addresses; names of headers are in lower case."""
    host = headers.get("host", "").lower()
    if host not in [f"{name}:{port}" for name in _HOSTS]:
        return _json(403, {"error": "The page is not at this address."})
    if method == "GET" and path in _FILES:
        name, kind = _FILES[path]
        return _said(200, f"{kind}; charset=utf-8", (_HERE / name).read_bytes())
    if method == "GET" and path in _SHOWS:
        return _done(discord, _SHOWS[path], dict(query))
    if method == "POST" and path in _DOES:
        if headers.get("origin", "").lower() != f"http://{host}":
            return _json(403, {"error": "Nothing is done for other pages."})
        kind = headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/json" or len(content) > _LONGEST:
            return _json(415, {"error": "This is nothing that the page sends."})
        try:
            return _done(discord, _DOES[path], json.loads(content))
        except ValueError:
            return _json(400, {"error": "This is no JSON."})
    return _json(404, {"error": "There is nothing here."})


def _done(discord: Discord, what: Any, asked: Any) -> Said:
    try:
        return _json(200, what(discord, Asked(discord, asked)))
    except Odd as odd:
        return _json(400, {"error": str(odd)})
    except NotPossible as refused:
        return _json(409, {"error": str(refused)})


def _json(status: int, body: Any) -> Said:
    return _said(status, "application/json", json.dumps(body).encode())


def _said(status: int, kind: str, body: bytes) -> Said:
    return Said(status, _HEADERS | {"Content-Type": kind}, body)

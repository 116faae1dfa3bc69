"""Visitors of tables: what a load balancer sends of them, and what they read of the answer."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from tests.http.shapes import SHAPES, Answer, Asked, send
from tests.world import DOMAIN

HOST = f"ada.{DOMAIN}"
ADDRESS = "203.0.113.7"
BROWSER = {
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "accept-language": "en-GB,en;q=0.5",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
    "sec-fetch-site": "none",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}
NO_BROWSER = {"user-agent": "curl/8.9.1", "accept": "*/*"}


def visit(
    path: str = "/",
    method: str = "GET",
    *,
    host: str = HOST,
    query: str = "",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    shape: str = "alb",
    **more: str,
) -> Answer:
    """What a table's address answers; `more` are headers with "_" for "-"."""
    given = {"host": host, "x-forwarded-for": ADDRESS, **(BROWSER if headers is None else headers)}
    given |= {name.replace("_", "-"): value for name, value in more.items()}
    return send(SHAPES[shape](Asked(method, path, query, given, body)))


def state(**more: Any) -> dict[str, Any]:
    """What the page's script is told."""
    answer = visit("/_state", headers=NO_BROWSER, **more)
    assert answer.status == 200, answer
    said: dict[str, Any] = answer.json
    return said


def submit(fields: dict[str, str], host: str = HOST, **more: Any) -> Answer:
    """Send the page's form as a browser does."""
    sent = {
        "headers": BROWSER,
        "origin": f"https://{host}",
        "sec_fetch_site": "same-origin",
        "content_type": "application/x-www-form-urlencoded",
    }
    body = urlencode(fields).encode()
    return visit("/_wake", "POST", host=host, body=body, **(sent | more))


def wake(code: str = "", host: str = HOST, **more: Any) -> Answer:
    """Open the page, and send its form with the code in it."""
    page = Page.of(visit(host=host))
    return submit({"nonce": page.fields["nonce"], "code": code}, host, **more)


class Page(HTMLParser):
    """A page as its reader has it: its words, its form's fields, its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._silent = 0
        self._words: list[str] = []
        self.feed(text)
        self.close()

    @classmethod
    def of(cls, answer: Answer) -> Page:
        """The page that an answer holds."""
        assert answer.headers["content-type"] == "text/html; charset=utf-8", answer
        return cls(answer.body.decode())

    @property
    def text(self) -> str:
        """What is read."""
        return re.sub(r"\s+", " ", " ".join(self._words)).strip()

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of each such element."""
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag == "input" and "name" in attributes:
            self.fields[attributes["name"]] = attributes["value"]
        self._silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        """Note its end."""
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        """Note what is read."""
        if not self._silent:
            self._words.append(data)

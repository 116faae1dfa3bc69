"""What goes wrong at a table, as whoever plays with the embedded run wants it: a page of the front, /_stand-in.

Also where nothing runs, so that a start can go wrong from its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import parse_qs

from local import foundry

PATH = "/_stand-in"
_STYLE = "body{font:1.1em/1.5 sans-serif;max-width:40em;margin:2em auto;padding:0 1em}"
_STYLE += "button{font:inherit;min-width:11em}button[aria-pressed=true]{font-weight:bold}"


@dataclass(frozen=True)
class Switches:
    """Those of all tables; `directory` is where stand-ins look for them."""

    directory: Path

    def page(self, host: str) -> str:
        """How they are at a table."""
        now = foundry.switch_of(self.directory, host)
        choices: Mapping[str, str] = {"": "All goes well.", **foundry.SWITCHES}
        lines = "".join(
            f'<p><button name="does" value="{name}" aria-pressed="{str(name == now).lower()}">'
            f"{name or 'nothing'}</button> {escape(words)}</p>"
            for name, words in choices.items()
        )
        title = f"What goes wrong at {escape(host)}"
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{title}</title><style>{_STYLE}</style>"
            f'<main><h1>{title}</h1><form method="post">{lines}</form></main></html>'
        )

    def turn(self, host: str, form: str) -> bool:
        """Set them as a form says: `does`, and `times` if not as often as usual; whether it could be understood."""
        said = parse_qs(form, keep_blank_values=True)
        does, times = said.get("does", ["?"])[0], said.get("times", [""])[0]
        if does not in ("", *foundry.SWITCHES):
            return False
        foundry.set_switch(self.directory, host, does, int(times) if times.isdecimal() else None)
        return True

"""What Discord shows to choose from while somebody types: own sessions, saves and what is in those, versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import available_timezones

from actions.action import Answer
from actions.discord.commands import options_of
from actions.errors import InstanceNotFound
from actions.instances.versions import NEWEST, OLDEST, is_way_down
from handler import dispatch
from handler.discord.asking import Asked
from handler.discord.callers import caller_of
from handler.discord.interactions import Interaction, Member
from services.platform import Platform

_MOST, _LONGEST = 25, 100  # choices, and characters of each (Application Commands, Autocomplete)
Choice = tuple[str, str]  # what is shown, and what it stands for


def choices_of(
    interaction: Interaction, asked: Asked, member: Member, platform: Platform
) -> list[Answer]:
    """What fits what was typed so far, of what this member may see. At most one action is asked."""
    typed = interaction.data.focused()
    option = next((o for o in options_of(asked.action) if typed and o.name == typed.name), None)
    if typed is None or option is None:
        return []

    def answer(action: str) -> Answer:
        # Who types waits for each letter: the newest are enough.
        payload = {"userId": member.user.id, "limit": 100}
        return dispatch.run(action, payload, caller_of(member, platform), platform)

    found = _CHOICES[option.field](asked, answer)
    words = str(typed.value or "").casefold().split()
    fitting = [c for c in found if all(w in f"{c[0]} {c[1]}".casefold() for w in words)]
    possible = [c for c in fitting if 0 < len(c[1]) <= _LONGEST]
    return [
        {"name": " ".join(name.split())[:_LONGEST] or value, "value": value}
        for name, value in possible[:_MOST]
    ]


def _sessions(asked: Asked, answer: Callable[[str], Answer]) -> Iterator[Choice]:
    everybodys = asked.action == "admin-cancel-session"
    sessions = answer("admin-list-sessions" if everybodys else "get-scheduled-sessions")["sessions"]
    for session in sessions:
        if session["status"] not in ("completed", "cancelled"):
            title = session.get("title") or f"{session['duration']} minutes"
            yield f"{_moment(session['startTime'])} {title}", session["sessionId"]


def _saves(asked: Asked, answer: Callable[[str], Answer]) -> Iterator[Choice]:
    for save in answer("list-saves")["saves"]:
        yield f"{_moment(save['at'])} {save.get('label') or save['kind']}", save["saveId"]


def _packages(kind: str) -> Callable[[Asked, Callable[[str], Answer]], Iterator[Choice]]:
    def found(asked: Asked, answer: Callable[[str], Answer]) -> Iterator[Choice]:
        """Those of the save that was chosen, or else of the newest."""
        saves: Iterable[Mapping[str, Any]] = answer("list-saves")["saves"]
        chosen = asked.values.get("save")
        save = next((one for one in saves if chosen in (None, one["saveId"])), {})
        for package in save.get("packages", ()):
            if package["type"] == kind:
                yield package.get("title") or package["id"], package["id"]

    return found


def _versions(asked: Asked, answer: Callable[[str], Answer]) -> Iterator[Choice]:
    """What the server runs now, and what it could: nothing older."""
    build = None
    with suppress(InstanceNotFound):
        build = answer("status").get("foundryBuild")
    if build:
        yield f"{build}, as now", build
    for version in (str(major) for major in range(NEWEST, OLDEST - 1, -1)):
        if build is None or not is_way_down(version, build):
            yield f"{version}, its newest build", version


def _time_zones(asked: Asked, answer: Callable[[str], Answer]) -> Iterator[Choice]:
    for name in sorted(available_timezones()):
        yield name.replace("_", " "), name


def _moment(seconds: float) -> str:
    """A moment in UTC, as Discord shows no other's own time in a choice."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a %Y-%m-%d %H:%M UTC")


_CHOICES: Mapping[str, Callable[[Asked, Callable[[str], Answer]], Iterator[Choice]]] = {
    "session_id": _sessions,
    "save_id": _saves,
    "world": _packages("world"),
    "module": _packages("module"),
    "system": _packages("system"),
    "time_zone": _time_zones,
    "foundry_version": _versions,
}

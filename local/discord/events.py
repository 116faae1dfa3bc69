"""The guild's scheduled events.

Sources: Guild Scheduled Event, Field Requirements By Entity Type, Valid Guild Scheduled Event Status
Transitions, Create / Modify / Delete Guild Scheduled Event, Get Guild Scheduled Event Users, Status Update
Automation (an external event begins and ends by itself), Permissions Requirements; Discord's OpenAPI document
(`ExternalScheduledEvent…`). The codes for a start in the past, and for a start given while the event runs, are
those that people have met.

Not found: what is said of a wrong transition or of an end before the start (both are refused), and whether a
finished event can still be fetched (it can here; it is not in the list). Not played: events in voice channels,
recurrence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.discord.answers import UNDOCUMENTED, Errors, Form, Json, refusal
from local.discord.guild import CREATE_EVENTS, MANAGE_EVENTS, Guild, Member, NotPossible
from local.discord.paging import Page
from local.discord.speaking import bot

SCHEDULED, ACTIVE, COMPLETED, CANCELED = 1, 2, 3, 4
EXTERNAL, GUILD_ONLY = 3, 2
MOST = 100  # that are neither over nor cancelled
_MAY_BECOME = {SCHEDULED: (ACTIVE, CANCELED), ACTIVE: (COMPLETED,)}
_TIMES = ("scheduled_start_time", "scheduled_end_time")


@dataclass
class Events:
    """Events by their ids, and who is interested in them."""

    guild: Guild
    application: str
    events: dict[str, Json] = field(default_factory=dict)
    users: dict[str, dict[str, Member]] = field(default_factory=dict)

    def listed(self, count: bool) -> list[Json]:
        """Those that are neither over nor cancelled."""
        every = [self.get(ident, count) for ident in self.events]
        return [event for event in every if event["status"] in (SCHEDULED, ACTIVE)]

    def get(self, ident: str, count: bool = False) -> Json:
        """One, as it is by now."""
        if ident not in self.events:
            raise refusal(10070)
        event, now = self.events[ident], self.guild.now()
        start, end = (datetime.fromisoformat(event[name]).timestamp() for name in _TIMES)
        if event["status"] == SCHEDULED and now >= start:
            event["status"] = ACTIVE
        if event["status"] == ACTIVE and now >= end:
            event["status"] = COMPLETED
        return event | ({"user_count": len(self.users[ident])} if count else {})

    def create(self, body: Any) -> Json:
        """Announce an event."""
        self._may(CREATE_EVENTS)
        return self._announced(body, bot(self.application))

    def announce(self, who: Member, body: Any) -> Json:
        """A person announces an event, who may."""
        return self._announced(body, who.user())

    def _announced(self, body: Any, creator: Json) -> Json:
        if len(self.listed(False)) >= MOST:
            raise refusal(30038)
        found = self._judged(body, {})
        ident = self.guild.ids.next()
        self.users[ident] = {}
        self.events[ident] = {
            "id": ident,
            "guild_id": self.guild.id,
            "channel_id": None,
            "creator_id": creator["id"],
            "creator": creator,
            "description": None,
            "image": None,
            "status": SCHEDULED,
            "entity_id": None,
            "recurrence_rule": None,
            "guild_scheduled_event_exceptions": [],
            "sku_ids": [],
            **found,
        }
        return self.events[ident]

    def edit(self, ident: str, body: Any) -> Json:
        """Change an event, or begin, end or cancel it."""
        event = self._of_own(ident)
        if event["status"] in (COMPLETED, CANCELED):
            raise refusal(180000)
        self.events[ident] = event | self._judged(body, event)
        return self.events[ident]

    def delete(self, ident: str) -> None:
        """Take an event away."""
        self._of_own(ident)
        del self.events[ident], self.users[ident]

    def mark(self, ident: str, who: Member, yes: bool) -> None:
        """Somebody is interested in an event, or no longer."""
        if ident not in self.events or self.get(ident)["status"] not in (SCHEDULED, ACTIVE):
            raise NotPossible("There is no such event, or no longer.")
        if yes:
            self.users[ident][who.id] = who
        else:
            self.users[ident].pop(who.id, None)

    def interested(self, ident: str, query: dict[str, str]) -> list[Json]:
        """Who is interested, in the order of their ids."""
        self.get(ident)
        page = Page.of(query, usual=100)
        found = page.part(self.users[ident].values(), lambda who: who.id)[: page.limit]
        member = query.get("with_member", "").lower() in ("true", "1")
        return [
            {
                "guild_scheduled_event_id": ident,
                "user_id": who.id,
                "response": 1,
                "user": who.user(),
            }
            | ({"member": who.shown()} if member and who.here else {})
            for who in found
        ]

    def _of_own(self, ident: str) -> Json:
        """One that the application may change: its own, or any where it manages all."""
        event = self.get(ident)
        is_own = event["creator_id"] == self.application
        self._may(MANAGE_EVENTS | (CREATE_EVENTS if is_own else 0))
        return event

    def _may(self, any_of: int) -> None:
        if not self.guild.bot_permissions & any_of:
            raise refusal(50013)

    def _judged(self, body: Any, before: Json) -> Json:
        errors = Errors()
        form = Form.of(body, errors)
        first = not before
        found: Json = {
            "name": form.text("name", 100, 1, required=first),
            "description": form.text("description", 1000),
            "privacy_level": form.one_of("privacy_level", (GUILD_ONLY,), required=first),
            "entity_type": form.one_of("entity_type", (EXTERNAL,), required=first),
            "entity_metadata": _place(form, first),
        }
        found |= {name: _moment(form, name, required=first) for name in _TIMES}
        given = {name: value for name, value in found.items() if first or name in form.values}
        if "status" in form.values and not first:
            given["status"] = _status(form, before)
        if form.given("channel_id"):
            form.wrong("channel_id", UNDOCUMENTED, "An external event is in no channel")
        self._times(form, before, given)
        errors.refuse()
        return given

    def _times(self, form: Form, before: Json, given: Json) -> None:
        start, end = ({**before, **given}.get(name) for name in _TIMES)
        if given.get(_TIMES[0]):
            if before.get("status") == ACTIVE:
                code = "GUILD_SCHEDULED_EVENT_INVALID_START_BY_STATUS"
                form.wrong(_TIMES[0], code, "The start of an event that runs cannot be changed")
            elif datetime.fromisoformat(given[_TIMES[0]]).timestamp() <= self.guild.now():
                code = "GUILD_SCHEDULED_EVENT_SCHEDULE_PAST"
                form.wrong(_TIMES[0], code, "Cannot schedule event in the past")
        if start and end and datetime.fromisoformat(end) <= datetime.fromisoformat(start):
            form.wrong(_TIMES[1], UNDOCUMENTED, "An event ends after its start")


def _place(form: Form, required: bool) -> Json | None:
    place = form.form("entity_metadata", required=required or "entity_metadata" in form.values)
    return {"location": place.text("location", 100, 1, required=True)} if place else None


def _moment(form: Form, name: str, required: bool) -> str | None:
    text = form.given(name, required=required or name in form.values)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        words = f"Could not parse {text}. Should be ISO8601."
        form.wrong(name, "DATE_TIME_TYPE_PARSE", words)
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _status(form: Form, before: Json) -> int | None:
    status: int | None = form.one_of("status", (SCHEDULED, ACTIVE, COMPLETED, CANCELED))
    now = before.get("status", SCHEDULED)
    if status not in (None, now, *_MAY_BECOME.get(now, ())):
        form.wrong("status", UNDOCUMENTED, f"An event cannot go from {now} to {status}")
    return status or now

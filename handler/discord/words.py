"""An action's answer as a message of Discord's, seen by whoever asked alone.

What has words of its own here is a list or a table of figures; all else says its `message`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from actions import COMMANDS
from actions.action import Answer
from actions.discord.commands import command_names, fields_of, options_of
from actions.discord.formatting import member, moment, own, plain
from actions.errors import PlatformError
from handler import failures

_ACTION = re.compile(r"(?<![\w/-])[a-z]+(?:-[a-z]+)+(?![\w-])", re.ASCII)
_FIELD = re.compile(r"(?<!\w)[a-z]+[A-Z][a-zA-Z]*", re.ASCII)
EPHEMERAL = 64  # a message's flag: nobody but who asked sees it (Message Resource)
_LONGEST = 2000  # characters of a message
_MORE = "\n… and more; Discord takes no longer text."


def message_of(action: str, answer: Answer) -> Answer:
    """What somebody is told who had the action done."""
    return _said(_WORDS.get(action, _plainly)(answer))


def refusal_of(error: Exception, request_id: str, action: str = "") -> Answer:
    """What somebody is told whose command for an action, if it was one, was refused, or failed."""
    said = failures.answer(error, request_id)
    text = f"⚠️ {own(str(said['error']))}"
    if isinstance(error, PlatformError) and (hint := said["details"].get("suggestion")):
        text += f" {own(str(hint))}"
    return _said(_as_options(action, _as_commands(text)))


def _said(text: str) -> Answer:
    """As many whole lines as Discord takes."""
    lines = text.split("\n")
    if _length(text) > _LONGEST:
        room = _LONGEST - _length(_MORE)
        lines[0] = lines[0][: room // 2]  # a character may be two of Discord's
        while _length("\n".join(lines)) > room:
            lines.pop()
        lines.append(_MORE.strip())
    return {"content": "\n".join(lines), "flags": EPHEMERAL, "allowed_mentions": {"parse": []}}


def _length(text: str) -> int:
    """Characters as JavaScript counts them: whoever counts otherwise finds no more."""
    return len(text.encode("utf-16-le")) // 2


def _as_commands(text: str) -> str:
    """The names of actions as people know them in Discord; what is a word like any other stays one."""
    names = command_names()
    return _ACTION.sub(lambda found: names.get(found[0], found[0]), text)


def _as_options(action: str, text: str) -> str:
    """The names of a request's fields as Discord shows them to whoever types or fills in."""
    if action not in COMMANDS.values():
        return text
    shown = {option.wire: f"`{option.name}`" for option in options_of(action)}
    shown |= {field.wire: f"“{field.says}”" for field in fields_of(action)}
    return _FIELD.sub(lambda found: shown.get(found[0], found[0]), text)


_MOMENTS = {
    "until": "Until",
    "startTime": "Begins",
    "reservedUntil": "Until",
    "keptUntil": "Its saves are kept until",
    "serversStopAt": "Servers stop",
}


def _plainly(answer: Answer) -> str:
    lines = [_as_commands(own(str(answer.get("message", "Done.")))).rstrip(".") + "."]
    for name, says in _MOMENTS.items():
        if isinstance(answer.get(name), int):
            lines.append(f"{says} {moment(answer[name])}")
    lines += [str(answer[n]) for n in ("instanceUrl", "wakeUrl", "url") if answer.get(n)]
    return "\n".join(lines)


def _status(answer: Answer) -> str:
    lines = [own(str(answer["message"]))]
    if answer["status"] != "unknown":  # it is being made or destroyed, as it says
        lines[0] = f"**{str(answer['status']).capitalize()}** — {lines[0]}"
    if "stopsAt" in answer:
        lines.append(f"Stops {moment(answer['stopsAt'])}, because {answer['stopsBecause']}")
    if answer.get("world"):
        lines.append(f"World: {plain(answer['world'])}")
    if "players" in answer:
        lines.append(f"Players: {answer['players']}")
    if "foundryVersion" in answer:
        lines.append(f"Foundry {answer['foundryVersion']}")
    if answer.get("wakeUrl"):
        lines.append(f"Whoever has this link wakes it: {answer['wakeUrl']}")
    return "\n".join(lines)


def _rows(
    rows: Iterable[Mapping[str, Any]],
    row: Callable[[Mapping[str, Any]], str],
    nothing: str,
    more: Answer,
) -> str:
    """A list, or what is said where it is empty; and that there is more than this page."""
    lines = [row(one) for one in rows]
    if "next" in more:
        lines.append("… and more.")
    return "\n".join(lines) or nothing


def _saves(answer: Answer) -> str:
    return _rows(answer["saves"], _save, "There are no saves.", answer)


def _save(save: Mapping[str, Any]) -> str:
    label = f" **{plain(save['label'])}**" if save.get("label") else ""
    lock = " 🔒" if save.get("locked") else ""
    size = f"{save.get('bytes', 0) / 1e6:,.0f} MB"
    return f"`{save['saveId']}`{lock}{label} {moment(save['at'])}, {save['kind']}, {size}"


def _sessions(answer: Answer) -> str:
    """Those to come, and how many are over, which nobody asks for so often."""
    coming = [one for one in answer["sessions"] if one["status"] not in _OVER]
    over = len(answer["sessions"]) - len(coming)
    text = _rows(coming, _session, "There are no sessions to come.", answer)
    return f"{text}\n{over} more are over." if over else text


def _everybodys(answer: Answer) -> str:
    """Those to come first."""
    rows = sorted(answer["sessions"], key=lambda one: one["status"] in _OVER)
    return _rows(rows, _session, "There are no sessions.", answer)


_NAMED = 8
_OVER = ("completed", "cancelled")


def _session(session: Mapping[str, Any]) -> str:
    whose = f"{member(session['userId'])} " if "userId" in session else ""
    title = f" **{plain(session['title'])}**" if session.get("title") else ""
    when = f"{moment(session['startTime'])}, {session['duration']} minutes, {session['status']}"
    return f"{whose}{when}{title} `{session['sessionId']}`{_interested(session)}"


def _interested(session: Mapping[str, Any]) -> str:
    """The first of those who are interested in its event, and how many more there are."""
    users = session.get("interested", ())
    if not users:
        return ""
    more = f" and {len(users) - _NAMED} more" if len(users) > _NAMED else ""
    return f", interested: {', '.join(map(member, users[:_NAMED]))}{more}"


def _availability(answer: Answer) -> str:
    if answer["available"]:
        return f"Yes: {answer['freeLicenses']} licences are free then."
    lines = [_as_commands(own(str(answer.get("reason", "No licence is free then."))))]
    if "nextStartTime" in answer:
        lines.append(f"It could begin {moment(answer['nextStartTime'])}")
    return "\n".join(lines)


def _pool(answer: Answer) -> str:
    lines = [f"{answer['availableLicenses']} of {answer['totalLicenses']} licences are free."]
    lines += [f"{member(one['ownerId'])}: {one['status']}" for one in answer["pools"]]
    return "\n".join(lines)


def _costs(answer: Answer) -> str:
    lines = [
        (
            f"{answer['month']}: {answer['hours']:.2f} hours, {_usd(answer['cost'])}"
            f" and {_usd(answer['storageCost'])} of storage"
        ),
        f"Donated: {_usd(answer['donations'])}; not covered: {_usd(answer['uncovered'])}",
    ]
    lines += [_run(run) for run in answer["runs"]]
    return "\n".join(lines)


def _run(run: Mapping[str, Any]) -> str:
    return f"{moment(run['startedAt'])}, {run['seconds'] // 60} minutes, {_usd(run['cost'])}"


def _all_costs(answer: Answer) -> str:
    total = answer["total"]
    lines = [
        (
            f"{answer['month']}: {total['hours']:.2f} hours, {_usd(total['cost'])}"
            f" and {_usd(total['storageCost'])} of storage, {_usd(total['donations'])} donated"
        )
    ]
    lines += [_cost_of(user) for user in answer["users"]]
    lines += [_nobodys(donation) for donation in answer.get("unassigned", ())]
    return "\n".join(lines)


def _nobodys(donation: Mapping[str, Any]) -> str:
    who = f" of {plain(donation['fromName'])}" if donation.get("fromName") else ""
    return f"Nobody's yet: `{donation['donationId']}`, {donation['amount']} {donation['currency']}{who}"


def _cost_of(user: Mapping[str, Any]) -> str:
    spent = f"{user['hours']:.2f} h, {_usd(user['cost'])}, {_usd(user['donations'])} donated"
    return f"{member(user['userId'])}: {spent}, {_usd(user['uncovered'])} not covered"


def _usd(amount: float) -> str:
    return f"${amount:,.2f}"


def _overview(answer: Answer) -> str:
    servers, usage, licences = answer["instances"], answer["usage"], answer["licenses"]
    states = ", ".join(f"{n} {state}" for state, n in servers.items() if n and state != "total")
    lines = [
        f"Servers: {servers['total']}" + (f" ({states})" if states else ""),
        f"Licences: {licences['total']}, {licences['available']} free",
        (
            f"{usage['totalUsers']} members, {usage['totalHours']:.2f} hours,"
            f" {_usd(usage['totalCosts'])} spent, {_usd(usage['totalDonations'])} donated,"
            f" {_usd(usage['totalUncovered'])} not covered"
        ),
    ]
    top = [f"{member(one['userId'])} {_usd(one['donations'])}" for one in answer["topContributors"]]
    return "\n".join(lines + (["Thanks to " + ", ".join(top)] if top else []))


def _servers(answer: Answer) -> str:
    return _rows(answer["instances"], _server, "There are no servers.", answer)


def _server(one: Mapping[str, Any]) -> str:
    return (
        f"{member(one['userId'])} {plain(one['username'])}: {one['status']}, {one['instanceUrl']}"
    )


def _audit(answer: Answer) -> str:
    return _rows(answer["entries"], _entry, "Nothing was done.", answer)


def _entry(entry: Mapping[str, Any]) -> str:
    about = f" {member(entry['about'])}" if "about" in entry else ""
    why = f": {plain(entry['reason'])}" if "reason" in entry else ""
    details = "".join(f", {n} {plain(str(v))}" for n, v in entry.get("details", {}).items())
    when = f"<t:{int(entry['at'])}:f>"
    return f"{when} {member(entry['userId'])} {entry['action']}{about}{details}, {entry['outcome']}{why}"


def _health(answer: Answer) -> str:
    checks = [f"{name}: {state}" for name, state in answer["checks"].items()]
    return "\n".join([f"**{answer['status']}**", *checks])


def _stops(answer: Answer) -> str:
    causes = [f"{cause}: {count}" for cause, count in answer["byCause"].items()]
    return "\n".join([f"{answer['month']}: {answer['total']} stops", *causes])


def _log(answer: Answer) -> str:
    """The last lines that fit, in a block in which no mark means anything."""
    lines, room = list[str](), _LONGEST - 20
    for line in reversed(answer["lines"]):
        text = str(line["message"]).replace("```", "'''")[:500]
        if (room := room - len(text) - 1) < 0:
            break
        lines.insert(0, text)
    if lines:
        return "```\n" + "\n".join(lines) + "\n```"
    failure = answer.get("lastFailure", {}).get("message")
    return plain(str(failure)) if failure else "It has logged nothing."


_WORDS: Mapping[str, Callable[[Answer], str]] = {
    "status": _status,
    "list-saves": _saves,
    "get-scheduled-sessions": _sessions,
    "admin-list-sessions": _everybodys,
    "check-availability": _availability,
    "license-pool-status": _pool,
    "get-user-costs": _costs,
    "get-all-costs": _all_costs,
    "admin-overview": _overview,
    "list-all": _servers,
    "admin-audit": _audit,
    "health-check": _health,
    "shutdown-stats": _stops,
    "get-logs": _log,
}

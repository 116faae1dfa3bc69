"""What Discord is answered within its three seconds: the answer itself, or that it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from actions.action import Answer
from actions.discord.commands import command_of
from actions.errors import Conflict, Forbidden, InvalidRequest, Unauthenticated
from actions.panels.crew import refuse_unless_may
from handler import dispatch, events, failures
from handler.discord.asking import asked_of, button_of, form_of, pressed
from handler.discord.callers import caller_of, is_admin
from handler.discord.interactions import Interaction, Kind, Member
from handler.discord.words import EPHEMERAL, message_of, refusal_of
from handler.telemetry import EventLog
from services import clock
from services.aws import AWS_FAILURES
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform

_PONG, _MESSAGE, _DEFERRED, _UPDATED, _CHOICES, _FORM = 1, 4, 5, 7, 8, 9
_LONG, _ROWS = ("list-saves", "list-all", "get-all-costs"), 30
_CLAIM_SECONDS = 600  # twice as long as a signature is good


@dataclass(frozen=True)
class Said:
    """What Discord is answered; and what went wrong, which whoever has asked is told in it."""

    answer: Answer
    failure: tuple[Exception, failures.Failure] | None = None


class Uncertain(Conflict):
    """AWS has not said whether it takes an order on."""

    def __init__(self) -> None:
        super().__init__(
            "AWS was too busy to say whether this will be done.",
            suggestion="Look in a minute how things are before you ask again.",
        )


class AnsweredBefore(Forbidden):
    """An interaction that has come before."""

    def __init__(self) -> None:
        super().__init__("This was answered before.", field="id")


def answer(
    body: bytes,
    headers: Mapping[str, str],
    platform: Platform,
    event_log: EventLog,
    request_id: str,
) -> Said:
    """Answer an interaction. Names of headers are in lower case.

    Raises Unauthenticated for what Discord has not signed, InvalidRequest for what is none of its interactions,
    AnsweredBefore; whatever else goes wrong is said to whoever has asked.
    """
    signature, timestamp = (headers.get(f"x-signature-{n}", "") for n in ("ed25519", "timestamp"))
    if not platform.discord.is_genuine(signature, timestamp, body):
        raise Unauthenticated("The signature is not Discord's.")
    try:
        interaction = Interaction.model_validate_json(body)
    except ValidationError:
        raise InvalidRequest("This is no interaction of Discord's.", field="body") from None
    if interaction.type is Kind.PING:
        return Said({"type": _PONG})
    try:
        return Said(_answered(interaction, platform, event_log))
    except AnsweredBefore:
        raise
    except Exception as error:
        failed = (error, failures.kind_of(error))
        if interaction.type is Kind.TYPING:  # there is just nothing to choose: no error is shown
            return Said({"type": _CHOICES, "data": {"choices": []}}, failed)
        return Said(_message(refusal_of(error, request_id, event_log.action)), failed)


def _answered(interaction: Interaction, platform: Platform, event_log: EventLog) -> Answer:
    member = _member(interaction, platform)
    if interaction.type is Kind.BUTTON and pressed(interaction):
        return _of_panel(interaction, member, platform, event_log)
    asked = asked_of(interaction)
    event_log.name_action(asked.action, member.user.id)
    command = command_of(asked.action)
    if interaction.type is Kind.TYPING:
        from handler.discord.completing import choices_of

        found = choices_of(interaction, asked, member, platform)
        return {"type": _CHOICES, "data": {"choices": found}}
    if interaction.type is Kind.COMMAND and command.form:
        return {"type": _FORM, "data": form_of(asked)}
    if interaction.type is Kind.COMMAND and command.warns:
        sure = f"{command.warns} Are you sure?"
        return _message({"content": sure, "components": button_of(asked), "flags": EPHEMERAL})
    payload = _page(asked.action) | asked.payload(
        member, partial(_moment, interaction, member, platform)
    )
    if (owner := payload["userId"]) == member.user.id:
        order = {"action": asked.action, "payload": payload, "userId": owner}
        order["isAdmin"] = is_admin(member, platform)
    else:
        order = _of_crew(interaction, member, asked.action, payload, platform)
    _claim(interaction, platform)
    if command.at_once:
        caller = caller_of(member, platform)
        said = dispatch.run(asked.action, payload, caller, platform)
        return _message(message_of(asked.action, said))
    _hand_over(interaction, order, platform)
    if interaction.type is Kind.BUTTON:  # the button is gone with its answer
        return {"type": _UPDATED, "data": {"content": "Working on it …", "components": []}}
    return {"type": _DEFERRED, "data": {"flags": EPHEMERAL}}


def _page(action: str) -> dict[str, int]:
    """Of long lists no more is read than a message holds."""
    return {"limit": _ROWS} if action in _LONG else {}


def _of_panel(
    interaction: Interaction, member: Member, platform: Platform, event_log: EventLog
) -> Answer:
    """A button of a table's panel."""
    action, owner = pressed(interaction) or ("", "")
    event_log.name_action(action, member.user.id)
    order = _of_crew(interaction, member, action, {"userId": owner}, platform)
    _claim(interaction, platform)
    _hand_over(interaction, order, platform)
    return {"type": _DEFERRED, "data": {"flags": EPHEMERAL}}


def _of_crew(
    interaction: Interaction,
    member: Member,
    action: str,
    payload: Mapping[str, Any],
    platform: Platform,
) -> dict[str, Any]:
    """What whoever may do that to a table has done in its owner's stead. Raises Forbidden, NotFound."""
    owner = payload["userId"]
    roles = (*member.roles, interaction.guild_id)  # @everyone's id is the guild's
    refuse_unless_may(platform, owner, member.user.id, roles, action)
    order = {"action": action, "payload": payload, "userId": owner, "isAdmin": False}
    return order | {"asker": member.user.id}


def _hand_over(interaction: Interaction, order: Mapping[str, Any], platform: Platform) -> None:
    """Have it carried out by another invocation, which edits the answer."""
    said = {"id": interaction.id, "token": interaction.token, "at": clock.now()}
    sealed = platform.discord.seal({"asker": order["userId"], **order, **said})
    try:
        platform.self_invocation.invoke_later({"source": events.DISCORD, "sealed": sealed})
    except AWS_FAILURES as error:
        raise Uncertain from error


def _member(interaction: Interaction, platform: Platform) -> Member:
    """Who asks. Raises Forbidden for who is in no guild, or in another one."""
    if interaction.member is None or interaction.guild_id != platform.discord.account().guild_id:
        raise Forbidden(
            "This works in the community's own Discord server only.",
            suggestion="Ask there, where the bot is at home.",
        )
    return interaction.member


def _moment(interaction: Interaction, member: Member, platform: Platform, text: str) -> int:
    """The seconds that the member means, in the own time zone. Raises InvalidRequest."""
    from zoneinfo import ZoneInfo

    from handler.discord.times import seconds_of

    zone = platform.registry.time_zone(member.user.id)
    seconds = seconds_of(text, ZoneInfo(zone), interaction.locale or "en-US")
    if seconds is None:
        raise InvalidRequest(
            f'"{text[:50]}" is no time that is certain.',
            suggestion=f"Say the day and the hour, such as friday 20:00 or 2026-12-04 20:00, in {zone};"
            " set-time-zone changes that.",
        )
    return seconds


def _claim(interaction: Interaction, platform: Platform) -> None:
    """The same interaction is answered once, whoever sends it again."""
    until = clock.now() + _CLAIM_SECONDS
    try:
        transact(platform.registry.claim_nonce(f"discord:{interaction.id}", until))
    except ConditionFailed:
        raise AnsweredBefore from None


def _message(said: Answer) -> Answer:
    return {"type": _MESSAGE, "data": said}

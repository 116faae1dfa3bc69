"""kofi-webhook: a donation, as Ko-fi tells of it.

The body is Ko-fi's real form (`data=…`), or what relays make of it: an object with `data`, the fields themselves,
or the JSON of either. Token, ids, amount and currency decide; whatever the rest holds, it counts, and once, however
often it comes.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, cast

import structlog
from pydantic import Field, TypeAdapter, ValidationError, WithJsonSchema

from actions.action import DISCORD_ID, Action, Answer, Request, Scope
from actions.billing.pricing import cents, month_of
from actions.errors import Forbidden, InvalidRequest
from actions.kofi.crediting import assign_waiting, note
from actions.kofi.payload import Payload, checked, fields_of, noted
from services import clock
from services.donations import Donation
from services.dynamodb import ConditionFailed
from services.platform import Platform
from services.registry import hash_of

_log = structlog.get_logger()

_TEST = "00000000-1111-2222-3333-444444444444"  # the payment of Ko-fi's own test button
# Each character fits in one way only, so that no message takes longer to search than it is long.
_IN_MESSAGE = re.compile(
    rf"\bdiscord[\s:]{{0,9}}(?:id[\s:]{{0,9}})?({DISCORD_ID.pattern})\b", re.ASCII | re.IGNORECASE
)
_MILLIONTH = Decimal("0.000001")
_token = TypeAdapter(Annotated[str, Field(strict=True, min_length=1, max_length=256)])


class KofiWebhook(Request):
    """What Ko-fi sends. It proves itself by the `verification_token` in the body."""

    body: Annotated[Any, WithJsonSchema({"type": ["object", "string"]})]


def kofi_webhook(request: KofiWebhook, platform: Platform) -> Answer:
    """Count the donation for who gave it, unless it was counted before.

    Raises Forbidden for a wrong token, or if none is configured; InvalidRequest.
    """
    fields = fields_of(request.body)
    if not _is_genuine(fields, platform):
        raise Forbidden(
            "The verification token is not this community's.",
            field="body.verification_token",
            suggestion="The operator finds it in Ko-fi's webhook settings and keeps it in KOFI_SECRET_ARN.",
        )
    payload = _checked(fields)
    if payload.kofi_transaction_id == _TEST:
        return _ignored("The webhook works. This was Ko-fi's test, of which nothing is counted.")
    donation = _donation(payload, platform)
    try:
        note(platform, donation)
    except ConditionFailed:
        return _ignored("This donation was counted before.")
    email_hash, donor = donation.get("emailHash"), donation.get("userId")
    if email_hash and donor and platform.registry.owner_of(email_hash) == donor:
        assign_waiting(platform, email_hash, donor)
    answer: Answer = {"success": True, "donationProcessed": True, "amount": cents(payload.money)}
    if "userId" in donation:
        return answer | {"userId": donation["userId"], "message": "Donation counted"}
    return answer | {
        "message": "Donation counted; it waits for an administrator to say whose it is"
    }


def _is_genuine(fields: dict[str, Any], platform: Platform) -> bool:
    try:
        token = _token.validate_python(fields.get("verification_token"))
    except ValidationError:
        return False
    return platform.kofi.is_genuine(token)


def _checked(fields: dict[str, Any]) -> Payload:
    try:
        return checked(fields)
    except InvalidRequest as error:
        # It is Ko-fi's own and yet not counted: the operator has to see to it. The details show nothing of it.
        _log.warning("a payment was refused", details=error.details)
        raise


def _ignored(why: str) -> Answer:
    return {"success": True, "donationProcessed": False, "message": why}


def _donation(payload: Payload, platform: Platform) -> Donation:
    donated_at = payload.donated_at()
    rate = platform.settings.usd_per.get(payload.currency, Decimal(0))
    address = payload.address
    email_hash = hash_of(address, platform.settings.stack) if address else None
    donor = _donor(payload, email_hash, platform)
    found: dict[str, Any] = {
        "donationId": payload.message_id,
        "transactionId": payload.kofi_transaction_id,
        "type": (payload.type or "unknown")[:64],
        "amount": payload.money,
        "currency": payload.currency,
        "counted": (payload.money * rate).quantize(_MILLIONTH),
        "month": month_of(donated_at),
        "donatedAt": donated_at,
        "receivedAt": clock.now(),
        "fromName": noted(payload.from_name) or "",
        "userId": donor,
        "unassigned": None if donor else "yes",
        "emailHash": email_hash,
        "message": noted(payload.message) if payload.is_public else None,
        "tierName": noted(payload.tier_name),
    }
    return cast("Donation", {name: v for name, v in found.items() if v is not None})


def _donor(payload: Payload, email_hash: str | None, platform: Platform) -> str | None:
    """Whose donation it is, best sign first (docs/sources.md, Ko-fi); None if nothing tells."""
    if payload.discord_userid:
        return payload.discord_userid
    if in_message := _IN_MESSAGE.search(payload.message or ""):
        return in_message[1]
    return platform.registry.owner_of(email_hash) if email_hash else None


ACTION = Action(KofiWebhook, kofi_webhook, Scope.PUBLIC)

"""What Ko-fi sends, in whichever of its forms, and what of it is good (docs/sources.md, Ko-fi)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actions.errors import InvalidRequest
from services import clock

_LONGEST = 100_000  # characters; Ko-fi's own are a few thousand
_LATE_SECONDS = 31 * 86400  # a payment that is older than this counts when it is received

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Text = Annotated[str, Field(max_length=5000)]


class Payload(BaseModel):
    """A payment. What the platform has no use for, such as a postal address, is not even read."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)

    message_id: Id
    kofi_transaction_id: Id
    type: Annotated[str, Field(min_length=1, max_length=64)]
    # Nothing but digits and a point: no sign, exponent, comma, space nor NaN.
    amount: Annotated[str, Field(pattern=r"^[0-9]{1,5}(\.[0-9]{1,2})?$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timestamp: Annotated[str, Field(max_length=40)] | None = None
    is_public: bool | None = None
    from_name: Text | None = None
    message: Text | None = None
    email: Annotated[str, Field(max_length=320)] | None = None
    tier_name: Text | None = None
    discord_userid: Annotated[str, Field(max_length=64)] | None = None

    @property
    def money(self) -> Decimal:
        """The amount, in its currency."""
        return Decimal(self.amount)

    def donated_at(self) -> int:
        """When it was paid, in Unix seconds; when it is received, if Ko-fi names no time or one far off.

        Raises InvalidRequest for what is no time.
        """
        now = clock.now()
        if self.timestamp is None:
            return now
        try:
            moment = datetime.fromisoformat(self.timestamp)
            paid = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            raise refused("timestamp", 'write it like "2026-11-24T20:00:00Z"') from None
        return paid if now - _LATE_SECONDS < paid <= now else now


def fields_of(body: object) -> dict[str, Any]:
    """The fields of a webhook's body: an object, its JSON text, or Ko-fi's real form with one field, `data`.

    Raises InvalidRequest, which shows nothing of the body.
    """
    if isinstance(body, str) and len(body) <= _LONGEST:
        body = _parsed(body)
    if not isinstance(body, dict):
        raise refused("", "send an object, its JSON text, or Ko-fi's form with the field data")
    return body


def checked(fields: dict[str, Any]) -> Payload:
    """The payment that the fields describe; raises InvalidRequest naming the first field that is wrong."""
    try:
        payload = Payload.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise refused(str(first["loc"][0]), _hint(str(first["loc"][0]), first["msg"])) from None
    if payload.money <= 0:
        raise refused("amount", "it is more than 0")
    return payload


def refused(field: str, hint: str) -> InvalidRequest:
    """That a field, or without its name the whole body, is wrong. Its value, which may be private, is not shown."""
    name = f"body.{field}" if field else "body"
    return InvalidRequest(f"{name} is not valid.", field=name, suggestion=f"{name}: {hint}.")


def _parsed(text: str) -> object:
    try:
        if text.lstrip().startswith("{"):
            return json.loads(text)
        return json.loads(parse_qs(text, max_num_fields=10)["data"][0])
    except (ValueError, KeyError, RecursionError):
        return None


def _hint(field: str, message: str) -> str:
    if field == "amount":
        return 'a text of digits such as "3.00", more than 0 and less than 100000'
    return message[0].lower() + message[1:]

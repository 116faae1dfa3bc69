"""What Ko-fi and its relays send, in whichever of their forms, and what of it is good (docs/sources.md, Ko-fi).

Token, ids, amount and currency decide whether a payment counts. All else is only noted: whatever it holds, it is
cut, converted or left out, and the payment counts.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import parse_qs

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from actions.action import DISCORD_ID
from actions.errors import InvalidRequest
from services import clock

_LONGEST = 1_000_000  # characters; a message of 6,000 emoji takes 100,000 as a form
_LONGEST_NOTE = 5000
_LATE_SECONDS = 31 * 86400  # a payment that is older than this counts when it is received
_TIMES = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S")  # besides ISO's, as relays write it


def _amount(value: object) -> object:
    """An amount as relays write it, too: as a number, or with a comma where that can mean one thing only."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return value
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,2},[0-9]{3}\.[0-9]{2}", value):
        return value.replace(",", "")
    return re.sub(r"^([0-9]{1,5}),([0-9]{2})$", r"\1.\2", value)


def _text(value: object) -> str | None:
    """Text that can be stored, whatever came; None for what is none, and for what is empty."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        value = str(value)  # an id that somebody's JSON has as a number
    if not isinstance(value, str):
        return None
    return value.strip().encode(errors="replace").decode() or None


def _discord_id(value: object) -> str | None:
    """A Discord id; None for what is none, and for a number that has lost its last digits in JavaScript.

    What has is exactly what JavaScript prints of it, and so is one id in a hundred that has not.
    """
    text = _text(value)
    if not text or not DISCORD_ID.fullmatch(text):
        return None
    rounded = isinstance(value, int) and value == int(Decimal(repr(float(value))))
    return None if rounded else text


def _flag(value: object) -> bool:
    return value is True or str(_text(value)).lower() in ("true", "1", "yes")


Id = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Currency = Annotated[
    str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{3}$")
]
# Nothing but digits and a point: no sign, exponent, space nor NaN.
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,5}(\.[0-9]{1,2})?$"), BeforeValidator(_amount)]
Text = Annotated[str | None, BeforeValidator(_text)]
DiscordId = Annotated[str | None, BeforeValidator(_discord_id)]
Flag = Annotated[bool, BeforeValidator(_flag)]


class Payload(BaseModel):
    """A payment. What the platform has no use for, such as a postal address, is not even read."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)

    message_id: Id
    kofi_transaction_id: Id
    amount: Amount
    currency: Currency
    type: Text = None
    timestamp: Text = None
    is_public: Flag = False
    from_name: Text = None
    message: Text = None
    email: Text = None
    tier_name: Text = None
    discord_userid: DiscordId = None

    @property
    def money(self) -> Decimal:
        """The amount, in its currency."""
        return Decimal(self.amount)

    @property
    def address(self) -> str | None:
        """The e-mail address, if it is one; half of one would be another's."""
        email = self.email or ""
        return email if "@" in email and len(email) <= 320 else None

    def donated_at(self) -> int:
        """When it was paid, in Unix seconds; when it is received, if Ko-fi names no time, or one far off."""
        now = clock.now()
        paid = _seconds(self.timestamp or "")
        return paid if paid and now - _LATE_SECONDS < paid <= now else now


def noted(text: str | None) -> str | None:
    """Text as it is stored: no longer than people write."""
    return text[:_LONGEST_NOTE] if text else None


def fields_of(body: object) -> dict[str, Any]:
    """The fields of a webhook's body: Ko-fi's real form, whose field `data` has them as JSON, or what relays send:
    an object with `data`, the fields themselves, or the JSON text of either.

    Raises InvalidRequest, which shows nothing of the body, where there is no token to be checked.
    """
    fields = _object(_form(body) if isinstance(body, str) else body, "")
    if "verification_token" not in fields and "data" in fields:
        fields = _object(fields["data"], "data")
    if "verification_token" not in fields:
        missing = "verification_token" if "amount" in fields else "data"
        raise refused(missing, "it is missing; send what Ko-fi sends, a form with the field data")
    return fields


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


def _object(given: object, field: str) -> dict[str, Any]:
    """The object that `field`, or the body itself, is, or is the JSON text of."""
    if isinstance(given, str) and len(given) <= _LONGEST:
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = None
    if not isinstance(given, dict):
        raise refused(field, "it is neither an object nor the JSON of one")
    return given


def _form(text: str) -> object:
    """The fields of a form; what looks like JSON stays as it is."""
    if len(text) > _LONGEST or text.lstrip()[:1] in ("{", "["):
        return text
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=100).items()}
    except ValueError:
        return None


def _hint(field: str, message: str) -> str:
    if field == "amount":
        return 'a text of digits such as "3.00", more than 0 and less than 100000'
    if message == "Field required":
        return "it is missing"
    return message[0].lower() + message[1:]


def _seconds(text: str) -> int | None:
    for form in (None, *_TIMES):
        try:
            # Without a zone it is UTC.
            read = datetime.strptime(f"{text} +0000", f"{form} %z") if form else _iso(text)
            return int(read.timestamp())
        except (ValueError, OverflowError):
            continue
    return None


def _iso(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)

"""What Discord answers when it refuses: the form of its errors, and the forms that people send it, read strictly.

Sources: API Reference, Error Messages (the nested `errors`); Opcodes and Status Codes, HTTP and JSON. The codes
within `errors` are listed nowhere: those used here are from answers that people have shown in public; where
none was found, the code is `UNDOCUMENTED`, so that nobody builds on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
At = tuple[str | int, ...]

UNDOCUMENTED = "UNDOCUMENTED"
_INVALID_FORM = 50035
_LARGEST = 2**53  # beyond it a double cannot tell integers apart
_MEANINGS = {
    10002: (404, "Unknown Application"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10008: (404, "Unknown Message"),
    10015: (404, "Unknown Webhook"),
    10063: (404, "Unknown application command"),
    10070: (404, "Unknown Guild Scheduled Event"),
    30032: (400, "Maximum number of application commands reached (100)."),
    30038: (400, "Maximum number of uncompleted guild scheduled events reached (100)"),
    40333: (403, "internal network error"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50033: (400, "Invalid Recipient(s)"),
    50109: (400, "The request body contains invalid JSON."),
    50278: (403, "Cannot send messages to this user due to having no mutual guilds"),
    180000: (400, "Cannot update a finished event"),
}


class Refused(Exception):
    """Discord does not do what it was asked: its status, and the JSON that says why."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(
            f"{body['message']} {body['errors']}" if "errors" in body else body["message"]
        )
        self.status, self.body = status, body


def refusal(code: int) -> Refused:
    """The refusal that a JSON error code stands for."""
    status, message = _MEANINGS[code]
    return Refused(status, {"message": message, "code": code})


def plain(status: int, words: str) -> Refused:
    """A refusal that has no code of its own, such as `401: Unauthorized`."""
    return Refused(status, {"message": f"{status}: {words}", "code": 0})


@dataclass
class Errors:
    """What is wrong with a form, each at its place."""

    found: Json = field(default_factory=dict)

    def add(self, at: At, code: str, message: str) -> None:
        """Something is wrong at a place; the empty one is the whole form."""
        node = self.found
        for step in at:
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def refuse(self) -> None:
        """Raise Refused if anything is wrong."""
        if self.found:
            body = {"message": "Invalid Form Body", "code": _INVALID_FORM, "errors": self.found}
            raise Refused(400, body)


@dataclass
class Form:
    """A JSON object that somebody sent, at its place in the whole. What is null is as if it were not there."""

    errors: Errors
    at: At
    values: Json

    @classmethod
    def of(cls, value: Any, errors: Errors, at: At = ()) -> Form:
        """A form, which is empty if the value is no object."""
        if isinstance(value, dict):
            return cls(errors, at, value)
        errors.add(at, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return cls(Errors(), at, {})  # what else is wrong with it is not said

    def wrong(self, name: str, code: str, message: str) -> None:
        """A field is wrong."""
        self.errors.add((*self.at, name), code, message)

    def given(self, name: str, required: bool = False) -> Any:
        """A field's value."""
        value = self.values.get(name)
        if required and value in (None, ""):
            self.wrong(name, "BASE_TYPE_REQUIRED", "This field is required")
            return None
        return value

    def text(self, name: str, most: int, least: int = 0, required: bool = False) -> str | None:
        """A string of a length, in characters."""
        value = self.given(name, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong(name, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
            return None
        self._bound(name, len(value), most, least)
        return value

    def _bound(self, name: str, length: int, most: int, least: int) -> None:
        if least and not least <= length <= most:
            words = f"Must be between {least} and {most} in length."
            self.wrong(name, "BASE_TYPE_BAD_LENGTH", words)
        elif length > most:
            self.wrong(name, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")

    def number(
        self, name: str, least: float = -_LARGEST, most: float = _LARGEST, whole: bool = True
    ) -> float | None:
        """A number within bounds."""
        value = self.given(name)
        if value is None:
            return None
        kinds = (int,) if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            code = "NUMBER_TYPE_COERCE"
            self.wrong(name, code, f'Value "{value}" is not {"int" if whole else "float"}.')
            return None
        kind = "int" if whole else "float"
        if value > most:
            words = f"{kind} value should be less than or equal to {most}."
            self.wrong(name, "NUMBER_TYPE_MAX", words)
        elif value < least:
            words = f"{kind} value should be greater than or equal to {least}."
            self.wrong(name, "NUMBER_TYPE_MIN", words)
        return value

    def truth(self, name: str) -> bool:
        """A boolean; false if it is not there."""
        value = self.given(name)
        if value not in (None, True, False):
            self.wrong(name, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
        return value is True

    def one_of(self, name: str, allowed: Iterable[Any], required: bool = False) -> Any:
        """One of a few values."""
        value, allowed = self.given(name, required), tuple(allowed)
        if value is not None and (value not in allowed or isinstance(value, bool)):
            said = ", ".join(map(repr, allowed))
            self.wrong(name, "BASE_TYPE_CHOICES", f"Value must be one of ({said}).")
            return None
        return value

    def items(self, name: str, most: int, least: int = 0) -> list[Any]:
        """A list of bounded length."""
        value = self.given(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(name, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        self._bound(name, len(value), most, least)
        return value

    def forms(self, name: str, most: int, least: int = 0) -> list[Form]:
        """A list of objects."""
        found = self.items(name, most, least)
        return [Form.of(each, self.errors, (*self.at, name, at)) for at, each in enumerate(found)]

    def form(self, name: str, required: bool = False) -> Form | None:
        """An object."""
        value = self.given(name, required)
        return None if value is None else Form.of(value, self.errors, (*self.at, name))


def kept(**fields: Any) -> Json:
    """Those that are something: Discord sends no field that is empty or false where it may leave it out."""
    return {name: value for name, value in fields.items() if value not in (None, False, [], {})}

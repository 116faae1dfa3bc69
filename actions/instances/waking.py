"""Who may wake a table by its page, and the code by which that is known (docs/tables.md)."""

from __future__ import annotations

import hmac
from base64 import b32encode

from services.instances import Instance, Who
from services.platform import Platform

_CODE_BYTES = 10  # 80 bits: 16 letters and digits, which nobody guesses and everybody can type
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz234567")


def who_wakes(instance: Instance) -> Who:
    """Who may wake the table, besides its member."""
    return Who(instance.get("wake", Who.CODE))


def wake_url(platform: Platform, instance: Instance) -> str:
    """The link to the table's page; with the code in it, where that is what it takes."""
    page = f"https://{instance['host']}/"
    return f"{page}?code={_code(platform, instance)}" if who_wakes(instance) == Who.CODE else page


def is_code(platform: Platform, instance: Instance, given: str) -> bool:
    """Whether `given` is the table's code, however it is grouped or capitalised; in constant time."""
    typed = "".join(letter for letter in given.lower() if letter in _LETTERS)
    code = _code(platform, instance).replace("-", "")
    return hmac.compare_digest(typed.encode(), code.encode())


def _code(platform: Platform, instance: Instance) -> str:
    """Derived, not stored: another instance, or another generation, has another."""
    which = f"{instance['instanceId']}:{instance.get('codeGeneration', 0)}"
    derived = platform.stack_key.derived(f"wake-code:{which}")
    text = b32encode(derived[:_CODE_BYTES]).decode().lower()
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))

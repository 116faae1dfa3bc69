"""Ko-fi, as it sends webhooks."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import urlencode

from tests import world
from tests.world import sample

DONOR = "123456789012345678"  # whom the sample's message names


def payload(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A payment of its own for each number; without a hint to whose it is, unless `changes` have one."""
    fields = copy.deepcopy(sample("kofi-webhook")["body"])
    ids = {
        "message_id": f"00000000-0000-4000-8000-{number:012}",
        "kofi_transaction_id": f"00000000-0000-4000-9000-{number:012}",
    }
    return fields | ids | {"message": "Thanks!", "email": None} | changes


def forms(fields: dict[str, Any]) -> dict[str, Any]:
    """The ways in which the same payment may come."""
    text = json.dumps(fields)
    return {"an object": fields, "a text": text, "a form": urlencode({"data": text})}


def donations() -> list[dict[str, Any]]:
    """The donations that are stored."""
    return [item for item in world.items("donations") if "of" not in item]

"""A small community to play with. Everything in it is made up."""

from __future__ import annotations

import json
import time
from typing import Any

from local.embedded import Embedded
from local.processes import LocalError

ADMIN = "100000000000000001"  # also the admin in samconfig.toml, environment `local`
PLAYER = "100000000000000003"  # has a session soon
_SOON_SECONDS = 330  # sessions are prepared five minutes before: this one within the next minutes
_ADMIN_KEY = {"foundryAdminKey": "demo-admin-key"}
# One licence key is one member's.
_LICENSES = ("DEMO-DEMO-DEMO-DEMO-DEMO-0001", "DEMO-DEMO-DEMO-DEMO-DEMO-0002")
_MEMBERS: tuple[dict[str, Any], ...] = (
    {
        "userId": ADMIN,
        "username": "Ada",
        "foundryLicense": _LICENSES[0],
        "allowLicenseSharing": True,
        **_ADMIN_KEY,
    },
    {
        "userId": "100000000000000002",
        "username": "Björn the Bold",
        "foundryLicense": _LICENSES[1],
        "foundryVersion": "14",
        **_ADMIN_KEY,
    },
    {
        "userId": PLAYER,
        "username": "ada",
        "foundryAdminKey": "k",
        "licenseType": "pooled",
    },
)


# Both as in samconfig.toml, environment `local`.
OPERATOR, KOFI = "foundry-operator", "foundry-kofi"
KOFI_TOKEN = "demo-kofi-verification-token"  # noqa: S105 - a token to play with


def keep_secrets(embedded: Embedded) -> None:
    """What an operator keeps: the foundryvtt.com account that serves the download for members who give none
    of their own, and the token by which Ko-fi proves itself.
    """
    account = {"username": "demo-operator", "password": "demo-operator-password"}
    for name, values in ((OPERATOR, account), (KOFI, {"verificationToken": KOFI_TOKEN})):
        embedded.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(values))


def seed(embedded: Embedded, function: str) -> list[str]:
    """Make each demo member's instance unless it exists, and book a session that the schedule soon prepares.

    Returns the members' addresses. LocalError if anything fails.
    """
    addresses = [_instance_of(member, embedded, function) for member in _MEMBERS]
    session = {
        "action": "schedule-session",
        "userId": PLAYER,
        "startTime": int(time.time()) + _SOON_SECONDS,
        "duration": 60,
        "title": "A demo session on a borrowed licence",
    }
    answer = _invoke(embedded, function, session)
    if not answer.get("success"):
        raise LocalError(f"Seeding a session failed: {json.dumps(answer)}")
    return addresses


def _instance_of(member: dict[str, Any], embedded: Embedded, function: str) -> str:
    answer = _invoke(embedded, function, {"action": "create-instance", **member})
    if answer.get("errorCode") == "RESOURCE_CONFLICT":
        answer = _invoke(embedded, function, {"action": "status", "userId": member["userId"]})
    if not answer.get("success"):
        raise LocalError(f"Seeding {member['username']} failed: {json.dumps(answer)}")
    return str(answer["instanceUrl"])


def _invoke(embedded: Embedded, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    called = embedded.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps(payload).encode()
    )
    answer: dict[str, Any] = json.loads(called["Payload"].read())
    return answer

"""A small community for the tests of licences and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.world import sample


def community(
    invoke: Any,
    owners: Sequence[str] = (),
    keepers: Sequence[str] = (),
    borrowers: Sequence[str] = (),
) -> None:
    """Members with servers: who share their licences, who keep them for themselves, who have none."""
    for user in owners:
        owner(invoke, user)
    for user in keepers:
        owner(invoke, user, shares=False)
    for user in borrowers:
        borrower(invoke, user)


def owner(invoke: Any, user: str, *, shares: bool = True) -> None:
    """A member with a server and a licence of the own."""
    event = sample("create-instance", userId=user, username=user, allowLicenseSharing=shares)
    assert invoke(event)["success"], user


def borrower(invoke: Any, user: str) -> None:
    """A member with a server that runs on licences of the pool."""
    event = sample("create-instance", userId=user, username=user, licenseType="pooled")
    del event["foundryLicense"]
    assert invoke(event)["success"], user

"""release-license: gives back a licence that was requested and not used."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Conflict, NotFound
from actions.licenses import rules
from actions.retrying import retry_on_conflict
from services import clock
from services.dynamodb import transact
from services.platform import Platform


class ReleaseLicense(UserRequest):
    """Who gives a licence back."""


def release_license(request: ReleaseLicense, platform: Platform) -> Answer:
    """End the user's lease. Raises NotFound without one, Conflict while the user's server runs."""
    retry_on_conflict(lambda: _release(platform, request.user_id))
    return {"success": True, "message": "License released successfully"}


def _release(platform: Platform, user_id: str) -> None:
    now = clock.now()
    lease = platform.licenses.lease_of(user_id)
    license = platform.licenses.find(lease["leased"]) if lease else None
    if license is None or not rules.is_leased_by(license, user_id, now):
        raise _nothing_to_release(platform, user_id)
    noted = platform.licenses.note_lease(
        user_id, license["licenseId"], rules.leased_since(lease, now), now, lease
    )
    transact(platform.licenses.free(license, now), noted)


def _nothing_to_release(platform: Platform, user_id: str) -> NotFound | Conflict:
    instance = platform.instances.find(user_id)
    if instance and "runLicense" in instance:
        return Conflict(
            "Your server is running on the licence.",
            status=instance["status"],
            suggestion="Stop it with stop-instance; the licence is released when it has stopped.",
        )
    return NotFound("You hold no licence.", field="userId", value=user_id)


ACTION = Action(
    ReleaseLicense,
    release_license,
    Scope.USER,
    Command("Give back the licence that you hold"),
)

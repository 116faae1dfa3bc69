"""admin-assign-donation: says whose a donation is that could not be told by itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, AdminOrder, Answer, Scope, UserId, hinted
from actions.billing.pricing import cents
from actions.command import Command
from actions.errors import Conflict, NotFound
from actions.kofi.crediting import assign
from services.dynamodb import ConditionFailed
from services.platform import Platform


class AdminAssignDonation(AdminOrder):
    """Which donation, as get-all-costs lists it under `unassigned`, and whose it is."""

    donation_id: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", max_length=64),
        hinted("Copy the id from get-all-costs."),
    ]
    target_user_id: UserId


def admin_assign_donation(request: AdminAssignDonation, platform: Platform) -> Answer:
    """Credit the donation to the member, in the month in which it was made. Raises NotFound, Conflict."""
    donation = platform.donations.find(request.donation_id)
    if donation is None:
        raise NotFound("There is no such donation.", field="donationId", value=request.donation_id)
    try:
        assign(platform, donation, request.target_user_id)
    except ConditionFailed:
        raise Conflict(
            "The donation is assigned already.",
            field="donationId",
            value=request.donation_id,
            suggestion="get-all-costs lists those that wait, under unassigned.",
        ) from None
    return {
        "success": True,
        "userId": request.target_user_id,
        "amount": cents(donation["amount"]),
        "message": "Donation assigned",
    }


ACTION = Action(
    AdminAssignDonation,
    admin_assign_donation,
    Scope.ADMIN,
    Command(
        "Credit a donation to a member",
        options={
            "donation_id": "Which donation",
            "target_user_id": "Whose it is",
            "reason": "Why; the audit keeps it",
        },
    ),
)

"""link-donor: a member's e-mail address at Ko-fi, so that donations by it count as the member's.

Knowing the transaction id of a donation made by it, which Ko-fi mails to the donor, proves whose it is. The
address itself is not kept, only a hash of it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest, hinted
from actions.command import Command
from actions.errors import Conflict, NotFound
from actions.kofi.crediting import assign_if_free, assign_waiting
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform
from services.registry import hash_of


class LinkDonor(UserRequest):
    """Who links which address, and a donation made by it."""

    email: Annotated[
        str,
        # No \s: which characters that means is not the same in all dialects that read the description.
        Field(
            pattern=r"^[^@\x00-\x20\x7f-\xa0]{1,64}@[^@\x00-\x20\x7f-\xa0]{1,255}$", max_length=320
        ),
        hinted("Send the address alone, name@example.com."),
    ]
    transaction_id: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", max_length=64),
        hinted("Copy the id from the mail that Ko-fi sent you."),
    ]


def link_donor(request: LinkDonor, platform: Platform) -> Answer:
    """Link the address, and credit to the member what was donated by it and is nobody's yet.

    Raises NotFound unless the transaction was made by that address; Conflict if either is another member's.
    """
    # The donation first: who has none must not make the platform hash addresses.
    donation = platform.donations.of_transaction(request.transaction_id)
    email_hash = hash_of(request.email, platform.settings.stack) if donation else ""
    if donation is None or donation.get("emailHash") != email_hash:
        raise NotFound(
            "No donation with that transaction id was made by that address.",
            field="transactionId",
            suggestion="Copy both from the mail that Ko-fi sent you when you donated.",
        )
    if donation.get("userId", request.user_id) != request.user_id:
        raise _taken()
    try:
        transact(platform.registry.link(email_hash, request.user_id, clock.now()))
    except ConditionFailed:
        raise _taken() from None
    # The donation that proved the address first: the index may not show it yet, or still as unassigned.
    credited = int(assign_if_free(platform, donation, request.user_id))
    credited += assign_waiting(platform, email_hash, request.user_id)
    return {
        "success": True,
        "donationsAssigned": credited,
        "message": "Donations by this address count as yours from now on",
    }


def _taken() -> Conflict:
    return Conflict(
        "That donation, or its address, belongs to another member.",
        field="email",
        suggestion="Ask an administrator.",
    )


ACTION = Action(
    LinkDonor,
    link_donor,
    Scope.USER,
    Command(
        "Have what you donated by Ko-fi counted as yours",
        form={
            "email": "Your address at Ko-fi",
            "transaction_id": "The transaction's id, from Ko-fi's mail",
        },
    ),
)

"""Donations in the ledger: noted once, credited to who gave them, or kept until somebody knows who that is."""

from __future__ import annotations

from services.counters import Amount
from services.donations import Donation
from services.dynamodb import ConditionFailed, Operation, transact
from services.ledger import ALL, UNASSIGNED
from services.platform import Platform


def note(platform: Platform, donation: Donation) -> None:
    """Note a donation and credit it; raises ConditionFailed if it was noted before."""
    counted: dict[str, Amount] = {"donated": donation["counted"], "donations": 1}
    transact(
        *platform.donations.add(donation),
        platform.counters.count(donation["donationId"], counted),
        platform.counters.count_in(
            donation["month"], donation["donationId"], {"donated": donation["counted"]}
        ),
        *_credit(platform, donation, donation.get("userId", UNASSIGNED)),
    )


def assign(platform: Platform, donation: Donation, user_id: str) -> None:
    """Credit a donation that nobody has to a user; raises ConditionFailed if somebody has it by now."""
    month, counted = donation["month"], donation["counted"]
    minus = {donation["currency"]: -donation["amount"]}
    ledger = platform.ledger
    transact(
        platform.donations.assign(donation["donationId"], user_id),
        ledger.strike(UNASSIGNED, month, donation["donationId"]),
        ledger.add(UNASSIGNED, month, donated=-counted, given=minus),
        ledger.add(UNASSIGNED, ALL, donated=-counted, given=minus),
        *_credit(platform, donation, user_id),
    )


def assign_waiting(platform: Platform, email_hash: str, user_id: str) -> int:
    """Credit to a user what was donated by an address of theirs and is nobody's; returns how many donations.

    The index that is searched may lag: what it leaves out is found with the next donation by that address.
    """
    waiting = [d for d in platform.donations.unassigned() if d.get("emailHash") == email_hash]
    return sum(assign_if_free(platform, donation, user_id) for donation in waiting)


def assign_if_free(platform: Platform, donation: Donation, user_id: str) -> bool:
    """Credit a donation to a user unless somebody has it by now; whether that was done."""
    try:
        assign(platform, donation, user_id)
    except ConditionFailed:
        return False
    return True


def _credit(platform: Platform, donation: Donation, account: str) -> list[Operation]:
    ledger, month = platform.ledger, donation["month"]
    given = {donation["currency"]: donation["amount"]}
    fields = ("donationId", "type", "amount", "currency", "counted", "donatedAt")
    entry = {field: donation[field] for field in fields}  # type: ignore[literal-required]
    return [
        ledger.enter(account, month, donation["donationId"], entry),
        ledger.add(account, month, donated=donation["counted"], given=given),
        ledger.add(account, ALL, donated=donation["counted"], given=given),
    ]

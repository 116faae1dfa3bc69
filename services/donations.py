"""The table of donations: each once, by Ko-fi's id of the message and by that of the payment."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NotRequired, TypedDict, cast

from services.dynamodb import Attr, Condition, Key, Operation, Position, Table, absent


class Donation(TypedDict):
    """One payment. Times are UTC Unix seconds; `counted` is what it adds to the totals, in USD.

    `userId` is whose it is, `unassigned` is there while nobody knows. An e-mail address is a hash only.
    """

    donationId: str
    transactionId: str
    type: str
    amount: Decimal
    currency: str
    counted: Decimal
    month: str
    donatedAt: int
    receivedAt: int
    fromName: str
    userId: NotRequired[str]
    unassigned: NotRequired[str]
    message: NotRequired[str]
    emailHash: NotRequired[str]
    tierName: NotRequired[str]


class Donations(Table):
    """Reads and writes of donations."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "donationId")

    def find(self, donation_id: str) -> Donation | None:
        """The donation, or None."""
        return cast("Donation | None", self.get(donation_id))

    def of_transaction(self, transaction_id: str) -> Donation | None:
        """The donation that a payment's id belongs to, or None."""
        claim = self.get(_claim(transaction_id))
        return self.find(claim["of"]) if claim else None

    def all(self) -> Iterator[Donation]:
        """Every donation, for repairing what was counted of them."""
        return (cast("Donation", item) for item in self.scan() if "of" not in item)

    def unassigned(self, limit: int | None = None) -> Iterator[Donation]:
        """The donations of which nobody knows whose they are, the oldest first."""
        items = self.query("UnassignedIndex", Key("unassigned").eq("yes"), limit)
        return (cast("Donation", item) for item in items)

    def unassigned_page(
        self, limit: int, after: Position | None
    ) -> tuple[list[Donation], Position | None]:
        """A page of those, the oldest first."""
        of, sort = ("unassigned", "yes"), "receivedAt"
        items, last = self.page(limit, after, index="UnassignedIndex", of=of, sort=sort)
        return cast("list[Donation]", items), last

    def add(self, donation: Donation) -> list[Operation]:
        """The operations that note a donation; refused if its message or its payment is known."""
        claim = {"donationId": _claim(donation["transactionId"]), "of": donation["donationId"]}
        return [self.put(donation, absent("donationId")), self.put(claim, absent("donationId"))]

    def assign(self, donation_id: str, user_id: str) -> Operation:
        """The operation that gives an unassigned donation to a user: succeeds once."""
        unassigned: Condition = Attr("unassigned").exists()
        return self.update(donation_id, unassigned, {"userId": user_id}, ("unassigned",))


def _claim(transaction_id: str) -> str:
    # No donation's id has a colon.
    return f"transaction:{transaction_id}"

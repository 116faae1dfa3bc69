"""The table of the ledger: what each member used, what it cost, and what was donated, month by month.

A member's account holds one entry of totals per month and one since the beginning (`all`), and an entry per
run, stretch of storage and donation in its month. Totals change in the same transactions as what they sum up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NotRequired, TypedDict, cast

from services.dynamodb import Item, Key, Operation, Table, absent

ALL = "all"  # the period since the beginning
UNASSIGNED = "#unassigned"  # the account of donations of which nobody knows whose they are
COMMUNITY = "#community"  # the account of what concerns everybody
_CURRENCY = "in_"


class Totals(TypedDict):
    """What a member used and donated in a period. `cost`, `storage` and `donated` are USD."""

    account: str
    period: str
    seconds: int
    runs: int
    cost: Decimal
    storage: NotRequired[Decimal]  # what of the cost is for the storage of saves
    donated: Decimal


class Month(TypedDict):
    """A member's month: its totals and its entries."""

    totals: Totals
    runs: list[Item]
    storage: list[Item]
    donations: list[Item]


class Ledger(Table):
    """Reads and writes of accounts."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "account", "entry")

    def charge(self, account: str, month: str, run_id: str, share: Mapping[str, Any]) -> Operation:
        """The operation that enters a run's share of a month."""
        return self.put({"account": account, "entry": f"{month}:run:{run_id}", **share})

    def charge_storage(self, account: str, month: str, stretch: Mapping[str, Any]) -> Operation:
        """The operation that enters a month's share of what saves have cost for a while."""
        entry = f"{month}:storage:{stretch['runId']}:{stretch['startedAt']}"
        return self.put({"account": account, "entry": entry, **stretch})

    def enter(
        self, account: str, month: str, donation_id: str, entry: Mapping[str, Any]
    ) -> Operation:
        """The operation that enters a donation."""
        return self.put({"account": account, "entry": _donation(month, donation_id), **entry})

    def strike(self, account: str, month: str, donation_id: str) -> Operation:
        """The operation that takes a donation's entry out of an account."""
        return self.delete((account, _donation(month, donation_id)))

    def add(
        self,
        account: str,
        period: str,
        *,
        seconds: int = 0,
        runs: int = 0,
        cost: Decimal = Decimal(0),
        storage: Decimal = Decimal(0),
        donated: Decimal = Decimal(0),
        given: Mapping[str, Decimal] | None = None,
    ) -> Operation:
        """The operation that adds to the totals of a period; `given` is money by currency.

        `storage` is within the `cost`, not beside it.
        """
        amounts: dict[str, int | Decimal] = {
            "seconds": seconds,
            "runs": runs,
            "cost": cost,
            "donated": donated,  # always there, since the index sorts by it
        }
        amounts |= {"storage": storage} if storage else {}
        amounts |= {_CURRENCY + currency: amount for currency, amount in (given or {}).items()}
        return self.update((account, period), None, {"period": period}, add=amounts)

    def month_of(self, account: str, month: str) -> Month:
        """An account's month: only that month is read."""
        key = Key("account").eq(account) & Key("entry").begins_with(month)
        items = list(self.query(None, key))
        totals = next((item for item in items if item["entry"] == month), None)
        return {
            "totals": cast("Totals", totals) if totals else nothing(account, month),
            "runs": [item for item in items if ":run:" in item["entry"]],
            "storage": [item for item in items if ":storage:" in item["entry"]],
            "donations": [item for item in items if ":donation:" in item["entry"]],
        }

    def totals(self, account: str, period: str) -> Totals:
        """An account's totals of a period. One read."""
        found = self.get((account, period))
        return cast("Totals", found) if found else nothing(account, period)

    def everybody(self, period: str, limit: int | None = None) -> Iterator[Totals]:
        """All accounts' totals of a period, who donated most first. The index may lag behind the table."""
        items = self.query("PeriodIndex", Key("period").eq(period), limit, descending=True)
        return (cast("Totals", item) for item in items)

    def tell(self, account: str, month: str, mark: str) -> Operation:
        """The operation that notes that an account's owner was told something in a month: succeeds once."""
        return self.update((account, f"{month}:told:{mark}"), absent("entry"), {"told": mark})


def by_currency(totals: Mapping[str, Any]) -> dict[str, Decimal]:
    """What was donated, currency by currency."""
    return {
        name.removeprefix(_CURRENCY): Decimal(amount)
        for name, amount in totals.items()
        if name.startswith(_CURRENCY) and amount
    }


def nothing(account: str, period: str) -> Totals:
    """The totals of an account without entries."""
    zero = Decimal(0)
    return {
        "account": account,
        "period": period,
        "seconds": 0,
        "runs": 0,
        "cost": zero,
        "donated": zero,
    }


def _donation(month: str, donation_id: str) -> str:
    return f"{month}:donation:{donation_id}"

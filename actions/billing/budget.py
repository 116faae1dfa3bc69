"""Budgets: what a month may cost that no donation covers, for a member and for everybody.

Who has reached a budget starts nothing new until a donation comes or the month is over. Sessions that are booked
take place; a server that runs for one does not go on without it. At four fifths there is one notice a month.
Without a budget nothing is read for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from actions.billing.pricing import cents, month_of
from actions.billing.usage import Used, by_user
from actions.errors import BudgetSpent
from actions.notices import announce
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.instances import Instance, booked_now
from services.ledger import COMMUNITY
from services.platform import Platform

_NEAR = Decimal("0.8")
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Standing:
    """How much of a budget is spent: USD that no donation covers. `account` is a member's or the community's."""

    account: str
    spent: Decimal
    ceiling: Decimal

    @property
    def missing(self) -> Decimal:
        """What a donation must come to for the budget not to be reached any more: the first cent that is more."""
        return (self.spent - self.ceiling).quantize(_CENT, ROUND_DOWN) + _CENT


def refuse_if_spent(platform: Platform, user_id: str) -> None:
    """Raise BudgetSpent if the member's or the community's budget of this month is reached."""
    for standing in _standings(platform, user_id):
        if standing.spent >= standing.ceiling:
            whose = "The community's" if standing.account == COMMUNITY else "Your"
            page = platform.settings.kofi_page
            raise BudgetSpent(whose, cents(standing.ceiling), cents(standing.missing), page)


def refuse_start_if_spent(platform: Platform, instance: Instance) -> None:
    """Raise BudgetSpent like that, but not while the member's own session is being prepared or played."""
    now = clock.now()
    booked = booked_now(instance, now)
    if booked is None or now >= booked["ends"] - platform.settings.grace_seconds:
        refuse_if_spent(platform, instance["userId"])


def warn_if_near(platform: Platform, user_id: str) -> None:
    """Give notice, once a month, of a budget of which four fifths are spent."""
    month = month_of(clock.now())
    for standing in _standings(platform, user_id):
        if standing.spent < standing.ceiling * _NEAR:
            continue
        try:
            transact(platform.ledger.tell(standing.account, month, "budget"))
        except ConditionFailed:
            continue  # told before
        everybody = standing.account == COMMUNITY
        whose, about = ("The community has", None) if everybody else ("You have", user_id)
        page = platform.settings.kofi_page
        message = (
            f"{whose} used {cents(standing.spent):.2f} of this month's {cents(standing.ceiling):.2f} USD."
            + (f" A donation makes room: {page}" if page else "")
        )
        facts: dict[str, Any] = {"spent": cents(standing.spent), "ceiling": cents(standing.ceiling)}
        announce(platform, "budget-near", about, message, facts=facts)


def _standings(platform: Platform, user_id: str) -> Iterator[Standing]:
    settings, now = platform.settings, clock.now()
    month = month_of(now)
    if not (settings.budget_per_user or settings.budget_total):
        return
    used = by_user(platform.runs.still_open(), now, month)
    if settings.budget_per_user:
        totals = platform.ledger.totals(user_id, month)
        spent = totals["cost"] - totals["donated"] + used[user_id].cost
        yield Standing(user_id, spent, settings.budget_per_user)
    if settings.budget_total:
        running = sum(used.values(), Used())
        closed = platform.counters.month(month)
        spent = Decimal(closed.get("cost", 0)) - Decimal(closed.get("donated", 0))
        yield Standing(COMMUNITY, spent + running.cost, settings.budget_total)

"""get-all-costs: a month of the whole community, member by member, for administrators."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.get_user_costs import Month
from actions.billing.pricing import cents, month_of
from actions.billing.usage import Used, by_user, statement, summed
from services import clock
from services.donations import Donation
from services.ledger import UNASSIGNED, nothing
from services.platform import Platform


class GetAllCosts(UserRequest):
    """The administrator who asks, and the month (UTC); the present one if none is named."""

    month: Month | None = None


def get_all_costs(request: GetAllCosts, platform: Platform) -> Answer:
    """Each member's month, the most expensive first, their sum, and donations that wait to be assigned."""
    now = clock.now()
    month = request.month or month_of(now)
    totals = {found["account"]: found for found in platform.ledger.everybody(month)}
    running = by_user(platform.runs.still_open(), now, month)
    accounts = sorted({*totals, *(user for user, used in running.items() if used.seconds)})
    users = [
        {"userId": account}
        | statement(totals.get(account) or nothing(account, month), running.get(account, Used()))
        for account in accounts
        if account != UNASSIGNED
    ]
    return {
        "success": True,
        "month": month,
        "total": statement(summed(totals.values(), month), sum(running.values(), Used())),
        "users": sorted(users, key=lambda user: (-user["cost"], user["userId"])),
        "unassigned": [_shown(donation) for donation in platform.donations.unassigned()],
    }


def _shown(donation: Donation) -> Answer:
    fields = ("donationId", "type", "currency", "donatedAt", "fromName", "message")
    stored = dict(donation)
    shown = {field: stored[field] for field in fields if field in stored}
    return shown | {"amount": cents(donation["amount"])}


ACTION = Action(GetAllCosts, get_all_costs, Scope.ADMIN)

"""get-all-costs: a month of the whole community, member by member, for administrators.

At most `limit` members, and as many donations that wait to be assigned; where there are more of either, `next` in
the answer is what to send for those that follow. Members come by their ids, the most expensive of a page first;
`total` is everybody's on each page.
"""

from __future__ import annotations

from functools import partial

from actions.action import Action, Answer, Scope
from actions.billing.get_user_costs import Month
from actions.billing.pricing import cents, month_of
from actions.billing.usage import Used, by_user, statement, summed
from actions.command import Command
from actions.paging import ListRequest, paged
from services import clock
from services.donations import Donation
from services.dynamodb import ForeignPosition, Position
from services.ledger import UNASSIGNED, nothing
from services.platform import Platform

_WAITING = {"donationId", "receivedAt"}  # of a position: where the donations that wait go on


class GetAllCosts(ListRequest):
    """The administrator who asks, and the month (UTC); the present one if none is named."""

    month: Month | None = None


def get_all_costs(request: GetAllCosts, platform: Platform) -> Answer:
    """A page of the members' months, the sum of all, and of the donations that wait. Raises InvalidRequest.

    All totals of the month are read for each page: their sum is not kept.
    """
    (answer,), more = paged(request, partial(_page, request, platform))
    return answer | more


def _page(
    request: GetAllCosts, platform: Platform, after: Position | None
) -> tuple[list[Answer], Position | None]:
    if after is not None and after.keys() - {"userId"} not in ({"month"}, {"month", *_WAITING}):
        raise ForeignPosition
    now = clock.now()
    month = after["month"] if after else request.month or month_of(now)
    totals = {found["account"]: found for found in platform.ledger.everybody(month)}
    running = by_user(platform.runs.still_open(), now, month)
    known = {*totals, *(user for user, used in running.items() if used.seconds)} - {UNASSIGNED}
    begins = after.get("userId") if after else ""  # None once all members were shown
    accounts = sorted(account for account in known if begins is not None and account > begins)
    users: list[Answer] = [
        {"userId": account}
        | statement(totals.get(account) or nothing(account, month), running.get(account, Used()))
        for account in accounts[: request.limit]
    ]
    waiting, rest = _waiting(request, platform, after)
    if len(accounts) > request.limit:
        rest |= {"userId": users[-1]["userId"]}
    answer: Answer = {
        "success": True,
        "month": month,
        "total": statement(summed(totals.values(), month), sum(running.values(), Used())),
        "users": sorted(users, key=lambda user: (-user["cost"], user["userId"])),
        "unassigned": [_shown(donation) for donation in waiting],
    }
    return [answer], {"month": month, **rest} if rest else None


def _waiting(
    request: GetAllCosts, platform: Platform, after: Position | None
) -> tuple[list[Donation], Position]:
    """A page of the donations that wait to be assigned, and where they go on if there are more."""
    position = after and {name: after[name] for name in _WAITING & after.keys()}
    if position == {}:
        return [], {}  # all were shown
    donations, last = platform.donations.unassigned_page(request.limit, position)
    return donations, last or {}


def _shown(donation: Donation) -> Answer:
    fields = ("donationId", "type", "currency", "donatedAt", "fromName", "message")
    stored = dict(donation)
    shown = {field: stored[field] for field in fields if field in stored}
    return shown | {"amount": cents(donation["amount"])}


ACTION = Action(
    GetAllCosts,
    get_all_costs,
    Scope.ADMIN,
    Command(
        "What everybody's servers have cost",
        options={
            "month": "Which month, such as 2026-11",
        },
        at_once=True,
    ),
)

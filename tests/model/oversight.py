"""What administrators and donors do in a story, and whether the overview tells the truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from actions.billing.pricing import cents, hours, run_cost
from tests.kofi.webhooks import payload
from tests.model import emulated
from tests.model.commands import USERS
from tests.model.simulation import Answer, Event
from tests.world import sample

ADDRESSES = ("grace@example.com", "heidi@example.com")
DONORS = ("1" * 18, "2" * 18)
ORDERS = (
    "admin-force-shutdown",
    "admin-cancel-session",
    "admin-cancel-all-sessions",
    "admin-maintenance-reset",
    "admin-assign-donation",
    "admin-hand-over-saves",
    "admin-grant",
    "admin-revoke",
    "admin-revoke-token",
    "client-create",
    "client-rotate",
    "client-revoke",
    "client-token",
    "invoke-function",
    "invoke-async",
    "batch-invoke",
)
ABOUT_A_MEMBER = (
    "admin-force-shutdown",
    "admin-assign-donation",
    "admin-hand-over-saves",
    "admin-grant",
    "admin-revoke",
)

# The same few payments come again and again, some of them in another message.
donations = st.builds(
    lambda number, message, donor, amount, currency, email: {
        "action": "kofi-webhook",
        "body": payload(
            number,
            message_id=f"message-{message}",
            discord_userid=donor,
            amount=amount,
            currency=currency,
            email=email,
        ),
    },
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([None, *DONORS]),
    st.sampled_from(["0.01", "3.00", "10"]),
    st.sampled_from(["USD", "SEK"]),
    st.sampled_from([None, None, *ADDRESSES]),
)

# A member says that an address is the own one, with a payment that was made by it, or was not.
links = st.builds(
    lambda whose, number, address: {
        "action": "link-donor",
        "userId": USERS[whose],
        "transactionId": payload(number)["kofi_transaction_id"],
        "email": address,
    },
    st.integers(0, len(USERS) - 1),
    st.integers(1, 6),
    st.sampled_from(ADDRESSES),
)


@dataclass(frozen=True)
class Order:
    """What an administrator orders, about one of those there are when it is sent."""

    name: str
    which: int

    def event(self, _: int) -> Event:
        """The order, as it is sent now."""
        return _ordered(self.name, self.which)


orders = st.builds(Order, st.sampled_from(ORDERS), st.integers(0, 9))


def _ordered(order: str, which: int) -> Event:
    if not order.startswith("admin-"):
        return sample(order, userId="admin")
    event: dict[str, Any] = {"action": order, "userId": "admin", "reason": "A test"}
    sessions = [session["sessionId"] for session in emulated.items("sessions")] or ["none"]
    waiting = [d["donationId"] for d in emulated.items("donations") if "unassigned" in d] or ["x"]
    if order in ABOUT_A_MEMBER:
        event["targetUserId"] = USERS[which % len(USERS)]
    if order == "admin-hand-over-saves":
        event["toUserId"] = USERS[(which + 1) % len(USERS)]
    if order == "admin-cancel-session":
        event["sessionId"] = sessions[which % len(sessions)]
    if order == "admin-assign-donation":
        event["donationId"] = waiting[which % len(waiting)]
    if order == "admin-revoke-token":
        event["tokenId"] = f"token-{which}"
    return event


def overview_is_true(answer: Answer, now: int) -> None:
    """The overview equals a full recount of all that is stored."""
    status = Counter(instance["status"] for instance in emulated.items("instances"))
    runs, given = emulated.items("runs"), [d for d in emulated.items("donations") if "of" not in d]
    used = {run["runId"]: _used(run, now) for run in runs}
    cost = sum((used[run["runId"]][1] for run in runs), Decimal(0))
    donated = sum((Decimal(d["counted"]) for d in given), Decimal(0))
    assert answer["instances"] == {
        "total": sum(status.values()),
        "running": status["running"],
        "stopped": status["stopped"] + status["created"],
        "starting": status["starting"],
        "stopping": status["stopping"],
    }
    assert answer["usage"] == {
        "totalUsers": sum(status.values()),
        "totalHours": hours(sum(seconds for seconds, _ in used.values())),
        "totalCosts": cents(cost),
        "totalDonations": cents(donated),
        "totalUncovered": cents(max(cost - donated, Decimal(0))),
    }
    by_donor: Counter[str] = Counter()
    for donation in given:
        if "userId" in donation:
            by_donor[donation["userId"]] += donation["counted"]
    wanted = sorted((cents(amount) for amount in by_donor.values() if amount), reverse=True)
    assert [shown["donations"] for shown in answer["topContributors"]] == wanted


def _used(run: dict[str, Any], now: int) -> tuple[int, Decimal]:
    if "stoppedAt" in run:
        return run["seconds"], Decimal(run["cost"])
    seconds = now - run.get("startedAt", now)
    return seconds, run_cost(seconds, run["rate"])

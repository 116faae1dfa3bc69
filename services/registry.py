"""The table of what there is to know besides servers, such as administrators, addresses, maintenance and uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict, cast

from services.dynamodb import Attr, Operation, Table, absent
from services.hashing import slow_hash

_ADMINS, _MAINTENANCE, _REVOKED = "admins", "maintenance", "revoked-tokens"
_PANELS = "panels-behind"
_DAY = 86400
LONGEST_TOKEN_SECONDS = 365 * _DAY  # that one of the platform's own is valid
REVOKED_SECONDS = 10  # for which a process remembers which were taken back
_ORDER_SECONDS = 55
_SENDING_SECONDS = 60  # Discord and EventBridge have answered by then
_NOTICE_SECONDS = (
    7 * 86400
)  # nobody repeats a notice that is older; DynamoDB then deletes what is noted of it


class Admins(TypedDict):
    """The administrators that administrators have named."""

    users: list[str]
    version: int


class RevokedToken(TypedDict):
    """A token that an administrator has taken back, and until when that has to be known."""

    id: str
    until: int


class Revoked(TypedDict):
    """All such tokens."""

    tokens: list[RevokedToken]
    version: int


class PanelsBehind(TypedDict):
    """Whose panels in Discord do not show yet how their tables are, and those of tables that are gone."""

    users: list[str]
    gone: list[dict[str, Any]]
    version: int


class Maintenance(TypedDict):
    """Maintenance under way. Times are UTC Unix seconds; servers still running at `stopsAt` are stopped."""

    since: int
    stopsAt: int
    by: str
    reason: NotRequired[str]
    until: NotRequired[int]


class Registry(Table):
    """Reads and writes of the registry."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "name")

    def admins(self) -> Admins:
        """Who was named an administrator. One read."""
        return cast("Admins", self.get(_ADMINS) or {"users": [], "version": 0})

    def name_admins(self, users: list[str], before: Admins) -> Operation:
        """The operation that names administrators in place of those `before`, and of nobody else."""
        same = Attr("version").eq(before["version"]) | absent("version")
        values = {"users": users, "version": before["version"] + 1}
        return self.update(_ADMINS, same, values)

    def revoked_tokens(self) -> Revoked:
        """Which tokens were taken back. One read."""
        return cast("Revoked", self.get(_REVOKED) or {"tokens": [], "version": 0})

    def revoke_tokens(self, tokens: Sequence[RevokedToken], before: Revoked) -> Operation:
        """The operation that takes tokens back, in place of those `before`."""
        same = Attr("version").eq(before["version"]) | absent("version")
        return self.update(_REVOKED, same, {"tokens": tokens, "version": before["version"] + 1})

    def maintenance(self) -> Maintenance | None:
        """The maintenance that is under way, or None. One read."""
        return cast("Maintenance | None", self.get(_MAINTENANCE))

    def begin_maintenance(self, maintenance: Maintenance) -> Operation:
        """The operation that begins maintenance; refused while there is one."""
        return self.put({"name": _MAINTENANCE, **maintenance}, absent("name"))

    def amend_maintenance(self, maintenance: Maintenance) -> Operation:
        """The operation that says anew why, and until when, the maintenance under way lasts."""
        said = {n: v for n, v in maintenance.items() if n in ("by", "reason", "until")}
        unsaid = [name for name in ("reason", "until") if name not in maintenance]
        return self.update(_MAINTENANCE, Attr("name").exists(), said, unsaid)

    def end_maintenance(self) -> Operation:
        """The operation that ends maintenance; refused without any."""
        return self.delete(_MAINTENANCE, Attr("name").exists())

    def claim_notice(self, notice_id: str, now: int) -> tuple[bool, bool]:
        """Take it on to send a notice; returns whether it was posted, and put on the bus, before.

        Raises ConditionFailed while somebody else is sending it.
        """
        sent = Attr("posted").exists() & Attr("put").exists()
        free = absent("claimedUntil") | Attr("claimedUntil").lt(now) | sent
        values = {"claimedUntil": now + _SENDING_SECONDS, "expiresAt": now + _NOTICE_SECONDS}
        claimed = self.apply_update(self.update(_notice(notice_id), free, values))
        return "posted" in claimed, "put" in claimed

    def note_sent(self, notice_id: str, way: str) -> None:
        """Note that a notice has been `posted` or `put`."""
        self.apply_update(self.update(_notice(notice_id), Attr("name").exists(), {way: True}))

    def time_zone(self, user_id: str) -> str:
        """In which time zone the member writes times; UTC unless they have said so. One read."""
        return str((self.get(_person(user_id)) or {}).get("timeZone", "UTC"))

    def set_time_zone(self, user_id: str, time_zone: str) -> Operation:
        """The operation that notes it."""
        return self.put({"name": _person(user_id), "timeZone": time_zone})

    def panels_behind(self) -> PanelsBehind:
        """Which panels are behind. One read."""
        return cast("PanelsBehind", self.get(_PANELS) or {"users": [], "gone": [], "version": 0})

    def note_panels_behind(
        self, users: list[str], gone: list[dict[str, Any]], before: PanelsBehind
    ) -> Operation:
        """The operation that notes which are, in place of those `before`."""
        same = Attr("version").eq(before["version"]) | absent("version")
        noted = {"users": users, "gone": gone, "version": before["version"] + 1}
        return self.update(_PANELS, same, noted)

    def claim_order(self, order_id: str, now: int) -> str | None:
        """Take it on to carry out what somebody asks for in Discord; returns what came of it if it was done before.

        Raises ConditionFailed while somebody else does it. Lambda, which may deliver an order twice, repeats one
        that failed after a minute; who has died does not hold it for longer.
        """
        free = absent("claimedUntil") | Attr("claimedUntil").lt(now) | Attr("outcome").exists()
        values = {"claimedUntil": now + _ORDER_SECONDS, "expiresAt": now + _DAY}
        claimed = self.apply_update(self.update(_order(order_id), free, values))
        return cast("str | None", claimed.get("outcome"))

    def note_outcome(self, order_id: str, outcome: str) -> None:
        """Note what came of such an order, sealed: who is delivered it again tells that, and does nothing."""
        noted = {"outcome": outcome}
        self.apply_update(self.update(_order(order_id), Attr("name").exists(), noted))

    def count_use(self, user_id: str, use: str, allowed: int, now: int) -> Operation:
        """The operation that counts one more `use` on the member's day; refused once there are `allowed`."""
        free = absent(use) | Attr(use).lt(allowed)
        # DynamoDB deletes within days what has expired; no later day looks at this one's item.
        return self.update(
            _uses(user_id, now), free, {"expiresAt": (now // _DAY + 2) * _DAY}, add={use: 1}
        )

    def used(self, user_id: str, use: str, now: int) -> int:
        """How often the member has had `use` on this day. One read."""
        return int((self.get(_uses(user_id, now)) or {}).get(use, 0))

    def give_use_back(self, user_id: str, use: str, now: int) -> Operation:
        """The operation that counts one `use` less."""
        return self.update(_uses(user_id, now), Attr(use).exists(), {}, add={use: -1})

    def count_attempt(self, who: str, allowed: int, window: int, now: int) -> Operation:
        """The operation that counts an attempt, as to prove who one is; refused after `allowed` in a `window`."""
        free = absent("attempts") | Attr("attempts").lt(allowed)
        values = {"expiresAt": (now // window + 2) * window}
        return self.update(_attempts(who, window, now), free, values, add={"attempts": 1})

    def forgive_attempt(self, who: str, window: int, now: int) -> Operation:
        """The operation that counts one attempt less: it was none in vain."""
        key = _attempts(who, window, now)
        return self.update(key, Attr("attempts").exists(), {}, add={"attempts": -1})

    def claim_nonce(self, nonce: str, until: int) -> Operation:
        """The operation that uses up what is good once, and nowhere after `until`; refused if it was used."""
        return self.put({"name": f"nonce:{nonce}", "expiresAt": until + _DAY}, absent("name"))

    def claim_fetch(self, tag: str, now: int, before: int) -> Operation:
        """The operation that claims the fetching of a release; refused if it was claimed after `before`."""
        free = absent("name") | Attr("askedAt").lte(before)
        return self.put({"name": _fetch(tag), "askedAt": now}, free)

    def forget_fetch(self, tag: str) -> Operation:
        """The operation that gives such a claim up."""
        return self.delete(_fetch(tag), Attr("name").exists())

    def owner_of(self, email_hash: str) -> str | None:
        """The user who linked the e-mail address with that hash, or None."""
        link = self.get(_email(email_hash))
        return str(link["userId"]) if link else None

    def link(self, email_hash: str, user_id: str, now: int) -> Operation:
        """The operation that links an e-mail address to a user; refused if it is another user's."""
        free = absent("userId") | Attr("userId").eq(user_id)
        return self.update(_email(email_hash), free, {"userId": user_id, "linkedAt": now})


def _uses(user_id: str, now: int) -> str:
    return f"uses:{now // _DAY}:{user_id}"


def _attempts(who: str, window: int, now: int) -> str:
    return f"attempts:{now // window}:{who}"


def _fetch(tag: str) -> str:
    return f"fetch:{tag}"


def hash_of(email: str, stack: str) -> str:
    """The hash under which an e-mail address is kept: slow to compute, so that guessing addresses is, too.

    Upper and lower case are one: no mail provider of today tells them apart.
    """
    address = email.strip().lower().encode()
    salt = f"{stack}/e-mail".encode()
    return slow_hash(address, salt).hex()


def _email(email_hash: str) -> str:
    return f"e-mail:{email_hash}"


def _person(user_id: str) -> str:
    return f"person:{user_id}"


def _order(order_id: str) -> str:
    return f"order:{order_id}"


def _notice(notice_id: str) -> str:
    return f"notice:{notice_id}"

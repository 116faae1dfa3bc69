"""The table of licences. The key itself is in the owner's secret; an item says who holds and who booked it.

Every decision about a licence is a write on the condition that its `version` is still the one that was
read. Whoever was slower reads again: a licence never has two holders, nor two bookings at one time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, cast

from services.dynamodb import Attr, Key, Operation, Table, absent


class Window(TypedDict):
    """A time for which a session has booked the licence, preparation and grace included."""

    sessionId: str
    userId: str
    begins: int
    ends: int


class Kept(TypedDict):
    """Whose secret holds a kept licence's key, and the fingerprints by which the key is claimed."""

    instanceId: str
    claims: list[str]


class Sharing(TypedDict):
    """Whether a licence is lent: `leaving` when only until the sessions that have booked it are over.

    `kept` if its owner's server was destroyed and it has stayed; `ending` once the owner takes it back.
    """

    pool: NotRequired[Literal["shared", "ending"]]
    leaving: NotRequired[bool]
    kept: NotRequired[Kept]


class Holding(TypedDict):
    """Who has a licence now: a run of the user's, or a lease while `leaseUntil` is there. None of it if free."""

    holder: NotRequired[str]
    holderUserId: NotRequired[str]
    leaseUntil: NotRequired[int]


class Claim(TypedDict):
    """That a key is a member's: one item per key, under its fingerprint."""

    licenseId: str
    claimedBy: str
    instanceId: str


class License(Sharing, Holding):
    """One licence key. Times are UTC Unix seconds."""

    licenseId: str
    ownerId: str
    secretArn: str
    lastUsedAt: int
    version: int
    windows: list[Window]
    rekeying: NotRequired[bool]  # while it gets another key nobody may start on it


class Lease(TypedDict):
    """Which licence a user has leased and not yet used, or had last: one item per user, under a key of its own."""

    licenseId: str
    leased: str
    until: int
    since: NotRequired[
        int
    ]  # when the first of those leases began that followed one another closely


class KeptNote(TypedDict):
    """Which licence a user has left in the pool: one item per user, under a key of its own."""

    licenseId: str
    keptLicense: str


class Licenses(Table):
    """Reads and writes of licences."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "licenseId")

    def find(self, license_id: str) -> License | None:
        """The licence, or None if its owner took it away."""
        return cast("License | None", self.get(license_id))

    def pool(self) -> Iterator[License]:
        """The licences of the pool as the index has them, which may lag a moment behind the table."""
        return self._in("shared")

    def ending(self) -> Iterator[License]:
        """Those that their owners take back, who have no server, by the same index."""
        return self._in("ending")

    def _in(self, pool: str) -> Iterator[License]:
        items = self.query("PoolIndex", Key("pool").eq(pool))
        return (cast("License", item) for item in items)

    def shared(self) -> Iterator[str]:
        """The ids of the licences in the pool, the longest unused first."""
        return (license["licenseId"] for license in self.pool())

    def all(self) -> Iterator[License | Lease | Claim | KeptNote]:
        """Every licence, and all else that is noted here, for repairing."""
        return (cast("License | Lease | Claim | KeptNote", item) for item in self.scan())

    def claim_key(self, fingerprint: str, user_id: str, instance_id: str) -> Operation:
        """The operation by which a key is the user's; refused if it is another one's."""
        claim: Claim = {
            "licenseId": _claim_key(fingerprint),
            "claimedBy": user_id,
            "instanceId": instance_id,
        }
        return self.put(claim, absent("instanceId") | Attr("instanceId").eq(instance_id))

    def claim_of(self, fingerprint: str) -> Claim | None:
        """Whose a key is."""
        return cast("Claim | None", self.get(_claim_key(fingerprint)))

    def release_key(self, fingerprint: str, instance_id: str) -> Operation:
        """The operation by which a key is nobody's any more; refused if it is another instance's."""
        mine = absent("instanceId") | Attr("instanceId").eq(instance_id)
        return self.delete(_claim_key(fingerprint), mine)

    def add(
        self, license_id: str, owner_id: str, secret_arn: str, shared: bool, now: int
    ) -> Operation:
        """The operation that notes a new licence, in the pool if `shared`."""
        new: License = {
            "licenseId": license_id,
            "ownerId": owner_id,
            "secretArn": secret_arn,
            "lastUsedAt": now,
            "version": 0,
            "windows": [],
        }
        if shared:
            new["pool"] = "shared"
        return self.put(new)

    def change(
        self, license: License, values: Mapping[str, Any], remove: Sequence[str] = ()
    ) -> Operation:
        """The operation that changes a licence which is still as it was read."""
        same = Attr("version").eq(license["version"])
        return self.update(
            license["licenseId"], same, {"version": license["version"] + 1, **values}, remove
        )

    def hold(self, license: License, run_id: str, user_id: str) -> Operation:
        """The operation by which a run takes the licence."""
        held = {"holder": run_id, "holderUserId": user_id}
        return self.change(license, held, ("leaseUntil",))

    def lease(self, license: License, user_id: str, until: int) -> Operation:
        """The operation by which a user takes the licence before starting, until a moment."""
        held = {"holder": f"lease:{user_id}", "holderUserId": user_id, "leaseUntil": until}
        return self.change(license, held)

    def release(self, license_id: str, run_id: str, now: int) -> Operation:
        """The operation by which a run gives back the licence that it holds."""
        mine = Attr("holder").eq(run_id)
        return self.update(license_id, mine, {"lastUsedAt": now}, ("holder", "holderUserId"))

    def free(self, license: License, now: int) -> Operation:
        """The operation that ends a lease."""
        return self.change(license, {"lastUsedAt": now}, ("holder", "holderUserId", "leaseUntil"))

    def rekey(self, license: License) -> Operation:
        """The operation that keeps everybody off a licence until it has got another key."""
        return self.change(license, {"rekeying": True})

    def rekeyed(self, license_id: str) -> Operation:
        """The operation that lets it be used again."""
        return self.update(license_id, Attr("licenseId").exists(), {}, ("rekeying",))

    def remove(self, license: License) -> Operation:
        """The operation that forgets a licence which is still as it was read."""
        return self.delete(license["licenseId"], Attr("version").eq(license["version"]))

    def kept_by(self, user_id: str) -> License | None:
        """The licence that the user has left in the pool, without a server of the user's."""
        note = cast("KeptNote | None", self.get(_kept_key(user_id)))
        return self.find(note["keptLicense"]) if note else None

    def keep(self, license: License, instance_id: str, claims: list[str]) -> list[Operation]:
        """The operations by which a licence stays though its server goes, whoever books or plays on it.

        A change of its key that was interrupted is over with that: the secret holds one of the two.
        """
        kept: Kept = {"instanceId": instance_id, "claims": claims}
        there = Attr("licenseId").exists()
        note: KeptNote = {
            "licenseId": _kept_key(license["ownerId"]),
            "keptLicense": license["licenseId"],
        }
        stays = self.update(license["licenseId"], there, {"kept": kept}, ("rekeying",))
        return [stays, self.put(note)]

    def forget_kept(self, license: License, kept: Kept) -> list[Operation]:
        """The operations that forget a kept licence which is still as it was read; its key is free again."""
        return [
            self.remove(license),
            self.delete(_kept_key(license["ownerId"])),
            *(self.release_key(claim, kept["instanceId"]) for claim in kept["claims"]),
        ]

    def lease_of(self, user_id: str) -> Lease | None:
        """The user's lease, run out or not."""
        return cast("Lease | None", self.get(_lease_key(user_id)))

    def note_lease(
        self, user_id: str, license_id: str, since: int, until: int, before: Lease | None
    ) -> Operation:
        """The operation that notes the user's lease in place of what was noted `before`, and of nothing else."""
        lease = {
            "licenseId": _lease_key(user_id),
            "leased": license_id,
            "since": since,
            "until": until,
        }
        if before is None:
            return self.put(lease, absent("until"))
        same = Attr("leased").eq(before["leased"]) & Attr("until").eq(before["until"])
        return self.put(lease, same)

    def forget_lease(self, user_id: str) -> Operation:
        """The operation that forgets the user's lease."""
        return self.delete(_lease_key(user_id))

    def forget(self, lease: Lease) -> Operation:
        """The operation that forgets a lease that is still as it was read."""
        return self.delete(lease["licenseId"], Attr("until").eq(lease["until"]))


def _claim_key(fingerprint: str) -> str:
    return f"key:{fingerprint}"


def _kept_key(user_id: str) -> str:
    return f"kept:{user_id}"


def _lease_key(user_id: str) -> str:
    # No licence's id has a colon; a user's may have anything behind it.
    return f"lease:{user_id}"

"""The table of licences. The key itself is in the owner's secret; an item says who holds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NotRequired, TypedDict, cast

from boto3.dynamodb.conditions import Attr, Key

from services.dynamodb import Operation, Table, absent


class License(TypedDict):
    """One licence key. `holder` is the run that uses it; `pool` is there while it is shared."""

    licenseId: str
    ownerId: str
    secretArn: str
    lastUsedAt: int
    pool: NotRequired[str]
    holder: NotRequired[str]
    holderUserId: NotRequired[str]


class Licenses(Table):
    """Reads and writes of licences."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "licenseId")

    def find(self, license_id: str) -> License | None:
        """The licence, or None if its owner took it away."""
        return cast("License | None", self.get(license_id))

    def shared(self) -> Iterator[License]:
        """The licences in the pool, the longest unused first."""
        items = self.query("PoolIndex", Key("pool").eq("shared"))
        return (cast("License", item) for item in items)

    def add(
        self, license_id: str, owner_id: str, secret_arn: str, shared: bool, now: int
    ) -> Operation:
        """The operation that notes a new licence, in the pool if `shared`."""
        new: License = {
            "licenseId": license_id,
            "ownerId": owner_id,
            "secretArn": secret_arn,
            "lastUsedAt": now,
        }
        if shared:
            new["pool"] = "shared"
        return self.put(new)

    def remove(self, license_id: str) -> Operation:
        """The operation that forgets a licence nobody holds."""
        return self.delete(license_id, absent("holder"))

    def hold(self, license_id: str, run_id: str, user_id: str) -> Operation:
        """The operation by which a run takes the licence, if nobody holds it."""
        free = Attr("licenseId").exists() & absent("holder")
        return self.update(license_id, free, {"holder": run_id, "holderUserId": user_id})

    def release(self, license_id: str, run_id: str, now: int) -> Operation:
        """The operation by which a run gives back the licence that it holds."""
        mine = Attr("holder").eq(run_id)
        return self.update(license_id, mine, {"lastUsedAt": now}, ("holder", "holderUserId"))

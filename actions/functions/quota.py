"""What a member's functions use together, and whether more of it is allowed: decided in the transaction itself."""

from __future__ import annotations

from collections.abc import Mapping

from actions.functions.errors import first_exceeded
from services.dynamodb import Operation
from services.platform import Platform
from services.tenant_functions import Amounts, Tenant, Wanted


def amounts_of(wanted: Wanted, functions: int = 1) -> dict[str, int]:
    """What functions of that size use: `functions`, `replicas`, CPU units and MiB."""
    replicas = wanted["replicas"]
    return {
        "functions": functions,
        "replicas": replicas,
        "cpu": replicas * wanted["cpu"],
        "memory": replicas * wanted["memory"],
    }


def difference(after: Amounts, before: Amounts) -> dict[str, int]:
    """What is used more, or less, afterwards."""
    return {what: after[what] - before[what] for what in after}


def claim(
    platform: Platform, user_id: str, amounts: Amounts, tenant: Tenant | None, group: str = ""
) -> Operation:
    """The operation that claims `amounts` for a member whose use was read as `tenant`, in the same transaction as
    what needs them. Raises QuotaExceeded if they are more than is allowed.

    `group` is what the security group of a new tenant is to be called.
    """
    allowed = platform.settings.allowed_to_tenant
    used: Mapping[str, int] = tenant or {}  # type: ignore[assignment]
    if exceeded := first_exceeded(used, amounts, allowed):
        raise exceeded
    return platform.tenant_functions.claim(user_id, amounts, allowed, None if tenant else group)

"""function-figures: how many functions each tenant has in which state, and what they use, for /metrics."""

from __future__ import annotations

from collections import Counter, defaultdict

from actions.action import Action, Answer, Scope, SystemRequest
from actions.functions.errors import namespace_of
from actions.functions.showing import status_of
from services.platform import Platform

REST = "others"  # under which all tenants go who have no figures of their own


class FunctionFigures(SystemRequest):
    """Nothing but the platform's own user."""


def function_figures(request: FunctionFigures, platform: Platform) -> Answer:
    """Figures by namespace, of the tenants with most functions, as many as the settings allow; the rest in one sum.

    Reads the whole table: for who looks once a minute.
    """
    functions, tenants = platform.tenant_functions.everything()
    count = Counter(function["userId"] for function in functions)
    most = [user for user, _ in count.most_common(platform.settings.metric_tenants)]
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for function in functions:
        statuses[_name(function["userId"], most)][status_of(function)] += 1
    for tenant in tenants:
        amounts = {what: int(tenant[what]) for what in platform.settings.allowed_to_tenant}  # type: ignore[literal-required]
        used[_name(tenant["userId"], most)].update(amounts)
    return {
        "success": True,
        "functions": {name: dict(found) for name, found in statuses.items()},
        "used": {name: dict(found) for name, found in used.items()},
        "allowed": platform.settings.allowed_to_tenant,
    }


def _name(user_id: str, most: list[str]) -> str:
    return namespace_of(user_id) if user_id in most else REST


ACTION = Action(FunctionFigures, function_figures, Scope.SYSTEM)

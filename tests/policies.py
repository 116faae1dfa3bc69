"""What IAM would say to a call, by the evaluator of the embedded AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

Policy = Mapping[str, Any]


def allows(
    policies: Iterable[Policy],
    action: str,
    arn: str,
    context: Mapping[str, Any] | None = None,
    boundary: Policy | None = None,
) -> bool:
    """Whether a role or user with these policies, within a boundary, may do `action` to what `arn` names.

    `context` holds the values of condition keys.
    """
    asked = EvalContext(
        principal_arn="arn:aws:sts::123456789012:assumed-role/some/session",
        principal_type="AssumedRole",
        principal_account="123456789012",
        action=action,
        resource_arn=arn,
        region="us-east-1",
        service_context={name.lower(): value for name, value in (context or {}).items()},
    )
    parsed = [parse_policy_document(dict(policy)) for policy in policies]
    limits = [[parse_policy_document(dict(boundary))]] if boundary else []
    return bool(evaluate(asked, parsed, *limits).decision == "Allow")


def actions(policies: Iterable[Policy]) -> set[str]:
    """Every action that the policies allow somewhere."""
    return {
        action
        for policy in policies
        for statement in policy["Statement"]
        for action in as_list(statement["Action"])
    }


def as_list(value: str | list[str]) -> list[str]:
    """One or several, as policies have them."""
    return [value] if isinstance(value, str) else value

"""Elastic Load Balancing: a route (target group, target, rule) per instance, only while it runs.

At most 100 target groups fit on a load balancer, so that an instance at rest has none. Everything is
found again by the target group's name, which derives from the instance's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from services.aws import SHORT_TIMEOUT, client, code_of
from services.errors import LoadBalancerFull
from services.settings import Settings

PORT = 30000
WARMING = (
    "x-foundry-warming"  # the header by which the platform alone reaches a server that is coming up
)
_FIRST, _PRIORITIES = 2, 49_998  # the first and the last place are the template's (docs/tables.md)
_FULL = {"TooManyTargetGroups", "TooManyRules", "TooManyUniqueTargetGroupsPerLoadBalancer"}


class Elb:
    """The load balancer's HTTPS listener."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def warm(self, instance_id: str, host: str, address: str, key: str) -> str:
        """Send to `address` what is asked of `host` with the header WARMING and `key`; returns the rule's ARN.

        Repeating it completes a half-made route. Raises LoadBalancerFull when no more instances can be reached at
        once.
        """
        try:
            group = self._make_group(instance_id)
            client("elbv2").register_targets(
                TargetGroupArn=group, Targets=[{"Id": address, "Port": PORT}]
            )
            return self._make_rule(instance_id, host, group, key)
        except ClientError as error:
            if code_of(error) not in _FULL:
                raise
            raise LoadBalancerFull(code_of(error)) from error

    def open(self, rule: str, host: str) -> None:
        """Send all that is asked of `host` where `rule`, which `warm` has made, leads."""
        client("elbv2").modify_rule(RuleArn=rule, Conditions=[_of_host(host)])

    def unroute(self, instance_id: str) -> None:
        """Remove the instance's route, whole or half-made; no error if there is none."""
        group = self._find_group(instance_id)
        if group is None:
            return
        for rule in _leading_to(group, self._rules()):
            _forgiving(client("elbv2").delete_rule, "RuleNotFound", RuleArn=rule["RuleArn"])
        _forgiving(client("elbv2").delete_target_group, "TargetGroupNotFound", TargetGroupArn=group)

    def group_of(self, instance_id: str) -> str | None:
        """The ARN of the instance's target group, if it has one."""
        return self._find_group(instance_id)

    def check(self) -> None:
        """Raise if the load balancer does not answer or is not active."""
        answer = client("elbv2", SHORT_TIMEOUT).describe_load_balancers(
            LoadBalancerArns=[self._settings.load_balancer_arn]
        )
        state = answer["LoadBalancers"][0]["State"]["Code"]
        if state not in ("active", "active_impaired"):
            raise RuntimeError(f"the load balancer is {state}")

    def _make_group(self, instance_id: str) -> str:
        """The instance's target group, made unless it is there: the name tells it, whatever its settings."""
        try:
            answer = client("elbv2").create_target_group(
                Name=self._name(instance_id),
                Protocol="HTTP",
                Port=PORT,
                VpcId=self._settings.vpc_id,
                TargetType="ip",
                HealthCheckPath="/api/status",
                HealthCheckIntervalSeconds=15,
                HealthyThresholdCount=2,
                Tags=[{"Key": "stack", "Value": self._settings.stack}],
            )
        except ClientError as error:
            if code_of(error) != "DuplicateTargetGroupName":
                raise
            answer = client("elbv2").describe_target_groups(Names=[self._name(instance_id)])
        return str(answer["TargetGroups"][0]["TargetGroupArn"])

    def _find_group(self, instance_id: str) -> str | None:
        try:
            answer = client("elbv2").describe_target_groups(Names=[self._name(instance_id)])
        except ClientError as error:
            if code_of(error) != "TargetGroupNotFound":
                raise
            return None
        groups = answer["TargetGroups"]
        return str(groups[0]["TargetGroupArn"]) if groups else None

    def _make_rule(self, instance_id: str, host: str, group: str, key: str) -> str:
        """The ARN of the group's rule, made unless it is there.

        Priorities are unique per listener: begin at one derived from the id, on a clash take a free one.
        """
        priority = int(instance_id, 16) % _PRIORITIES + _FIRST
        try:
            return self._create_rule(host, group, priority, key)
        except ClientError as error:
            if code_of(error) != "PriorityInUse":
                raise
            rules = self._rules()
            if found := next(_leading_to(group, rules), None):
                rule = str(found["RuleArn"])  # which may be of a former run, with another key
                client("elbv2").modify_rule(RuleArn=rule, Conditions=_of_warming(host, key))
                return rule
            taken = {rule["Priority"] for rule in rules}
            return self._create_rule(host, group, _free(priority, taken), key)

    def _create_rule(self, host: str, group: str, priority: int, key: str) -> str:
        answer = client("elbv2").create_rule(
            ListenerArn=self._settings.listener_arn,
            Priority=priority,
            Conditions=_of_warming(host, key),
            Actions=[{"Type": "forward", "TargetGroupArn": group}],
            Tags=[{"Key": "stack", "Value": self._settings.stack}],
        )
        return str(answer["Rules"][0]["RuleArn"])

    def _name(self, instance_id: str) -> str:
        return f"fvtt-{self._settings.stack_mark}-{instance_id}"  # at most 32 characters

    def _rules(self) -> list[dict[str, Any]]:
        pages = client("elbv2").get_paginator("describe_rules")
        return [
            rule
            for page in pages.paginate(ListenerArn=self._settings.listener_arn)
            for rule in page["Rules"]
        ]


def _of_host(host: str) -> dict[str, Any]:
    return {"Field": "host-header", "HostHeaderConfig": {"Values": [host]}}


def _of_warming(host: str, key: str) -> list[dict[str, Any]]:
    header = {"HttpHeaderName": WARMING, "Values": [key]}
    return [_of_host(host), {"Field": "http-header", "HttpHeaderConfig": header}]


def _leading_to(group: str, rules: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (r for r in rules if any(a.get("TargetGroupArn") == group for a in r["Actions"]))


def _forgiving(call: Callable[..., Any], gone: str, **arguments: str) -> None:
    """Carry out a call whose purpose is reached when AWS says `gone`."""
    try:
        call(**arguments)
    except ClientError as error:
        if code_of(error) != gone:
            raise


def _free(wanted: int, taken: set[str]) -> int:
    """The next priority after `wanted` that no rule has; there are at most 100 rules in so many places."""
    return next(
        priority
        for step in range(_PRIORITIES)
        if str(priority := (wanted + step - _FIRST) % _PRIORITIES + _FIRST) not in taken
    )

"""The load balancer's own part: which task a request reaches, by the rules that the emulator holds.

Moto keeps listeners' rules and follows none of them. Here a request is led as Elastic Load Balancing leads it: the
first rule by priority whose conditions all hold, its target group, its target, which must be the address of a task
that runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.ecs.models import ecs_backends
from moto.elbv2.models import elbv2_backends

from tests.world import ACCOUNT, REGION, STACK


def is_led_to_a_task(host: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether a request reaches a member's server."""
    given = {name.lower(): value for name, value in headers.items()}
    backend = elbv2_backends[ACCOUNT][REGION]
    listeners = [each for lb in backend.load_balancers.values() for each in lb.listeners.values()]
    rules = [rule for listener in listeners for rule in _numbered(listener)]
    for rule in sorted(rules, key=lambda rule: int(rule.priority)):
        if all(_holds(c, host, path, given) for c in rule.conditions):
            groups = [action.data.get("TargetGroupArn") for action in rule.actions]
            return any(_runs(address) for group in groups for address in _targets(backend, group))
    return False


def _numbered(listener: Any) -> list[Any]:
    return [rule for rule in listener.rules.values() if str(rule.priority) != "default"]


def _holds(condition: Mapping[str, Any], host: str, path: str, headers: Mapping[str, str]) -> bool:
    match condition["Field"]:
        case "host-header":
            seen, wanted = host.split(":")[0].lower(), condition["HostHeaderConfig"]["Values"]
        case "path-pattern":
            seen, wanted = path.split("?")[0], condition["PathPatternConfig"]["Values"]
        case "http-header":
            config = condition["HttpHeaderConfig"]
            seen, wanted = headers.get(config["HttpHeaderName"].lower(), ""), config["Values"]
        case other:
            raise AssertionError(f"no rule of ours has a condition on {other}")
    return any(fnmatchcase(seen, pattern) for pattern in wanted)


def _targets(backend: Any, group: str | None) -> list[str]:
    found = backend.target_groups.get(group)
    return list(found.targets) if found else []


def _runs(address: str) -> bool:
    return any(
        task.last_status == "RUNNING" and address in _addresses(task)
        for task in ecs_backends[ACCOUNT][REGION].tasks.get(STACK, {}).values()
    )


def _addresses(task: Any) -> list[str]:
    details = [detail for attachment in task.attachments for detail in attachment["details"]]
    return [detail["value"] for detail in details if detail["name"] == "privateIPv4Address"]

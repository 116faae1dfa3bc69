"""What the real EC2 insists on in security groups and the emulator does not. Always in force.

* A VPC has one security group of a name, in whatever case it is written (CreateSecurityGroup's reference).
* DeleteSecurityGroup is refused while a task's network interface has the group: until the task is STOPPED, since
  its interface goes while it is DEPROVISIONING (AWS, Amazon ECS Developer Guide, "Task lifecycle").

What names may hold is in tests/lagging/spelling.py.
"""

from __future__ import annotations

import time
from typing import Any

from tests.lagging.strictness import Parameters, Reply, refusal
from tests.model import emulated


def before(name: str, asked: Parameters) -> Reply | None:
    """EC2's own answer to a call, where the emulator's would be another."""
    if name == "ec2.CreateSecurityGroup" and _is_taken(asked):
        said = (
            f"The security group '{asked['GroupName']}' already exists for VPC '{asked['VpcId']}'"
        )
        return refusal("InvalidGroup.Duplicate", said)
    if name == "ec2.DeleteSecurityGroup":
        group = asked.get("GroupId", "")
        if any(task.last_status != "STOPPED" for task in _with(group)):
            return in_use(group)
    return None


def was_in_use(group: str, seconds: float) -> bool:
    """Whether a task that had the group stopped within the last `seconds`."""
    ends = [task.stopped_at for task in _with(group) if getattr(task, "stopped_at", None)]
    return any(time.time() - end.timestamp() < seconds for end in ends)


def in_use(group: str) -> Reply:
    """What EC2 says of a group that cannot be deleted yet."""
    return refusal("DependencyViolation", f"resource {group} has a dependent object")


def not_found(group: str) -> Reply:
    """What EC2 says of a group that it does not know."""
    return refusal("InvalidGroup.NotFound", f"The security group '{group}' does not exist")


def _is_taken(asked: Parameters) -> bool:
    wanted = (asked.get("VpcId"), asked["GroupName"].lower())
    return wanted in {(group.vpc_id, group.name.lower()) for group in emulated.security_groups()}


def _with(group: str) -> list[Any]:
    """The tasks whose network interfaces have, or had, the group."""
    return [
        task
        for task in emulated.all_tasks()
        if group in task.network_configuration["awsvpcConfiguration"]["securityGroups"]
    ]

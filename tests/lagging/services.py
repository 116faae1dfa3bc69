"""What the real ECS insists on in services and shows of them, where the emulator does not. Always in force.

* CreateService, repeated with its client token and the same arguments, answers with the service; a name is
  refused while a service of that name is ACTIVE ("Creation of service was not idempotent.") or DRAINING
  ("Unable to Start a service that is still Draining."), and free again once it is INACTIVE.
* UpdateService changes what is wanted, never what runs; a new task definition, another network or force make a
  new deployment. Of a service that is not ACTIVE it says so.
* DeleteService wants `force` while the service is scaled above 0 or an earlier deployment still has tasks. The
  service is DRAINING until all its tasks are STOPPING or STOPPED (its reference), then INACTIVE. What is deleted
  already is answered once more as it is, not refused (aws/aws-cli issue 1334, aws/aws-sdk-js issue 4189).
* DescribeServices takes ten at most; its counts are those of the tasks. ListServices shows what is ACTIVE.
* What is INACTIVE or gone of task definitions, and what there is not of security groups, no task can have.
* RunTask's task is PROVISIONING and StopTask's still runs for a while: in the functions' cluster, since the
  stories of servers are written for the emulator, which does both at once.

Who plays the scheduler that starts and stops their tasks is tests/fargate.py.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.moto_api._internal import mock_random

from tests import world
from tests.lagging.strictness import Parameters, Reply, Said, refusal
from tests.model import emulated

FUNCTIONS = f"{world.STACK}-functions"
COMING_UP = ("PROVISIONING", "PENDING", "ACTIVATING")
GOING_DOWN = ("DEACTIVATING", "STOPPING", "DEPROVISIONING")
AT_ONCE = 10  # services that DescribeServices takes
_NO_TASKS = ("STOPPING", "DEPROVISIONING", "STOPPED")  # as a service that is DRAINING sees them


@dataclass
class Deployment:
    """One deployment of a service: what its tasks are made of. The last one is the primary."""

    definition: Any
    network: dict[str, Any]
    id: str = field(default_factory=lambda: f"ecs-svc/{mock_random.randint(10**18, 10**19 - 1)}")
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


def named(cluster: str, service: str) -> Any:
    """The emulator's service of that name or ARN; None if ECS knows none."""
    name = service.split("/")[-1]
    return next((s for s in of_cluster(cluster) if s.name == name), None)


def of_cluster(cluster: str) -> list[Any]:
    """All services of a cluster that ECS still knows of, deleted ones too.

    Without one that another thread is just creating, of which the emulator knows but not yet all.
    """
    name = cluster.split("/")[-1]
    return [s for s in emulated.services() if s.cluster_name == name and hasattr(s, "played")]


def tasks_of(service: Any) -> list[Any]:
    """All tasks of a service that ECS still knows of, stopped ones too."""
    started_by = {deployment.id for deployment in service.played}
    return [t for t in emulated.tasks(service.cluster_name) if t.started_by in started_by]


def has_drained(service: Any) -> bool:
    """Whether none of its tasks is left to be stopped."""
    return all(task.last_status in _NO_TASKS for task in tasks_of(service))


def says(service: Any, message: str) -> None:
    """A service's event, as DescribeServices shows it."""
    event = {"id": str(mock_random.uuid4()), "createdAt": datetime.now(UTC)}
    service.events.insert(0, event | {"message": f"(service {service.name}) {message}"})
    del service.events[100:]


def shown(service: Any) -> dict[str, Any]:
    """What DescribeServices shows of a service."""
    tasks = tasks_of(service)
    return {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster_arn,
        "loadBalancers": [],
        "serviceRegistries": [],
        "status": service.status,
        "desiredCount": service.desired_count,
        **_counts(tasks),
        "launchType": service.launch_type,
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "taskDefinition": service.task_definition,
        "deploymentConfiguration": service.deployment_configuration,
        "deployments": [_deployment(service, one, tasks) for one in reversed(in_force(service))],
        "events": list(service.events),
        "createdAt": service.created_at,
        "placementConstraints": [],
        "placementStrategy": [],
        "networkConfiguration": service.network_configuration,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "enableECSManagedTags": False,
        "propagateTags": service.propagate_tags,
        "enableExecuteCommand": service.enable_execute_command,
    }


def in_force(service: Any) -> list[Deployment]:
    """A service's deployments: the primary and before it those that still have tasks."""
    if service.status != "ACTIVE":
        return []
    tasked = {task.started_by for task in tasks_of(service) if task.last_status != "STOPPED"}
    return [d for d in service.played if d.id in tasked or d is service.played[-1]]


def _deployment(service: Any, deployment: Deployment, tasks: list[Any]) -> dict[str, Any]:
    mine = [task for task in tasks if task.started_by == deployment.id]
    is_primary = deployment is service.played[-1]
    wanted = service.desired_count if is_primary else 0
    counts = _counts(mine)
    is_done = counts["runningCount"] == wanted and len(in_force(service)) == 1
    has_run = any(getattr(task, "started_at", None) for task in mine)
    return {
        "id": deployment.id,
        "status": "PRIMARY" if is_primary else "ACTIVE",
        "taskDefinition": deployment.definition.arn,
        "desiredCount": wanted,
        **counts,
        "failedTasks": 0 if has_run else sum(task.last_status == "STOPPED" for task in mine),
        "createdAt": deployment.created,
        "updatedAt": deployment.created,
        "launchType": service.launch_type,
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "networkConfiguration": deployment.network,
        "rolloutState": "COMPLETED" if is_done else "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {deployment.id} "
        + ("completed." if is_done else "in progress."),
    }


def _counts(tasks: list[Any]) -> dict[str, int]:
    return {
        "runningCount": sum(task.last_status == "RUNNING" for task in tasks),
        "pendingCount": sum(task.last_status in COMING_UP for task in tasks),
    }


def before(name: str, asked: Parameters) -> Reply | None:
    """ECS's own answer to a call, where the emulator's would be another."""
    return _BEFORE[name](asked) if name in _BEFORE else None


def after(name: str, asked: Parameters, answer: dict[str, Any]) -> None:
    """Take up, and complete, what the emulator has answered."""
    if name in _AFTER:
        _AFTER[name](asked, answer)


def _refuse_creation(asked: Parameters) -> Reply | None:
    cluster, token = asked.get("cluster", "default"), asked.get("clientToken")
    there = named(cluster, asked["serviceName"])
    if there and there.status == "ACTIVE" and token and there.asked == asked:
        return Said(200), {"service": shown(there)}
    if there and there.status == "DRAINING":
        return _invalid("Unable to Start a service that is still Draining.")
    active = [s for s in of_cluster(cluster) if s.status == "ACTIVE"]
    if there in active or (token and token in {s.asked.get("clientToken") for s in active}):
        return _invalid("Creation of service was not idempotent.")
    return _refuse_definition(asked, "ClientException") or _refuse_network(asked)


def _refuse_update(asked: Parameters) -> Reply | None:
    service = named(asked.get("cluster", "default"), asked["service"])
    if service is None:
        return not_found()
    if service.status != "ACTIVE":
        return refusal("ServiceNotActiveException", "Service was not ACTIVE.")
    if "taskDefinition" in asked and (reply := _refuse_definition(asked, "ClientException")):
        return reply
    return _refuse_network(asked) if "networkConfiguration" in asked else None


def _refuse_deletion(asked: Parameters) -> Reply | None:
    service = named(asked.get("cluster", "default"), asked["service"])
    if service is None:
        return not_found()
    if service.status != "ACTIVE":
        return Said(200), {"service": shown(service)}
    if asked.get("force"):
        return None
    if service.desired_count > 0:
        return _invalid("The service cannot be stopped while it is scaled above 0.")
    if len(in_force(service)) > 1:
        return _invalid("The service cannot be stopped while deployments are active.")
    return None


def _refuse_description(asked: Parameters) -> Reply | None:
    if not asked["services"]:
        return _invalid("Services cannot be empty.")
    if len(asked["services"]) > AT_ONCE:
        return _invalid(f"Services cannot have more than {AT_ONCE} elements.")
    return None


def _refuse_listing(asked: Parameters) -> Reply | None:
    cluster = asked.get("cluster", "default")
    if "serviceName" in asked and named(cluster, asked["serviceName"]) is None:
        return not_found()
    return None


def _refuse_task(asked: Parameters) -> Reply | None:
    return _refuse_definition(asked, "InvalidParameterException") or _refuse_network(asked)


def _refuse_definition(asked: Parameters, code: str) -> Reply | None:
    definition = emulated.task_definition(asked["taskDefinition"])
    if definition is None:
        return refusal("ClientException", "TaskDefinition not found.")
    if definition.status != "ACTIVE":
        return refusal(code, "TaskDefinition is inactive")
    return None


def _refuse_network(asked: Parameters) -> Reply | None:
    if "networkConfiguration" not in asked:
        needed = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        return _invalid(needed)
    known = {group.id for group in emulated.security_groups()}
    for group in asked["networkConfiguration"]["awsvpcConfiguration"].get("securityGroups", ()):
        if group not in known:
            return no_group(group)
    return None


def no_group(group: str) -> Reply:
    """What ECS says of a security group that EC2 does not know."""
    return _invalid(
        f"Error retrieving security group information for [{group}]: "
        f"The security group '{group}' does not exist (ErrorCode: InvalidGroup.NotFound)"
    )


def _invalid(message: str) -> Reply:
    return refusal("InvalidParameterException", message)


def not_found() -> Reply:
    """What ECS says of a service that it does not know."""
    return refusal("ServiceNotFoundException", "Service not found.")


def _created(asked: Parameters, answer: dict[str, Any]) -> None:
    arn = answer["service"]["serviceArn"]
    service = next(service for service in emulated.services() if service.arn == arn)
    service.asked = copy.deepcopy(asked)  # with its token: a Copy of the emulator has both
    service.created_at = datetime.now(UTC)
    service.deployment_configuration = _percents(asked)
    service.enable_execute_command = asked.get("enableExecuteCommand", False)
    definition = emulated.task_definition(asked["taskDefinition"])
    service.task_definition = definition.arn
    service.played = [Deployment(definition, asked["networkConfiguration"])]
    answer["service"] = shown(service)


def _updated(asked: Parameters, answer: dict[str, Any]) -> None:
    service = named(asked.get("cluster", "default"), asked["service"])
    if "deploymentConfiguration" in asked:
        service.deployment_configuration = _percents(asked)
    primary = service.played[-1]
    definition = primary.definition
    if "taskDefinition" in asked:
        definition = emulated.task_definition(asked["taskDefinition"])
    service.task_definition = definition.arn
    network = asked.get("networkConfiguration", primary.network)
    is_other = definition.arn != primary.definition.arn or network != primary.network
    if is_other or asked.get("forceNewDeployment"):
        service.played.append(Deployment(definition, network))
    answer["service"] = shown(service)


def _deleted(asked: Parameters, answer: dict[str, Any]) -> None:
    service = named(asked.get("cluster", "default"), asked["service"])
    service.desired_count = 0
    service.status = "INACTIVE" if has_drained(service) else "DRAINING"
    answer["service"] = shown(service)


def _described(asked: Parameters, answer: dict[str, Any]) -> None:
    cluster = asked.get("cluster", "default").split("/")[-1]
    with_tags = "TAGS" in asked.get("include", ())
    answer["services"] = [
        shown(service) | ({"tags": told.get("tags", [])} if with_tags else {})
        for told in answer["services"]
        if (service := named(cluster, told["serviceName"]))
    ]
    known = {told["serviceName"] for told in answer["services"]}
    names = [service.split("/")[-1] for service in asked["services"]]
    answer["failures"] = [missing(cluster, name) for name in names if name not in known]


def missing(cluster: str, name: str) -> dict[str, str]:
    """What DescribeServices says of a service that it does not know."""
    place = f"arn:aws:ecs:{world.REGION}:{world.ACCOUNT}:service"
    return {"arn": f"{place}/{cluster}/{name}", "reason": "MISSING"}


def _listed(asked: Parameters, answer: dict[str, Any]) -> None:
    there = of_cluster(asked.get("cluster", "default"))
    answer["serviceArns"] = [service.arn for service in there if service.status == "ACTIVE"]


def _run(asked: Parameters, answer: dict[str, Any]) -> None:
    for told in answer["tasks"]:
        for task in emulated.tasks(FUNCTIONS):
            if task.task_arn == told["taskArn"]:
                task.created_at = datetime.now(UTC)
                sized(task, emulated.task_definition(task.task_definition_arn))
                task.containers[0].exitCode = None
                told["containers"][0].pop("exitCode", None)
                told |= {"lastStatus": task.last_status, "createdAt": task.created_at}


def sized(task: Any, definition: Any) -> None:
    """A task has the size that its definition says, in text."""
    task.cpu, task.memory = str(definition.cpu), str(definition.memory)


def _remember(asked: Parameters) -> Reply | None:
    for task in _asked_to_stop(asked):
        task.was = task.last_status
    return None


def _stopped(asked: Parameters, answer: dict[str, Any]) -> None:
    for task in _asked_to_stop(asked):
        task.last_status, task.stop_code = task.was, "UserInitiated"
        answer["task"] |= {"lastStatus": task.last_status, "stopCode": task.stop_code}


def _asked_to_stop(asked: Parameters) -> list[Any]:
    return [task for task in emulated.tasks(FUNCTIONS) if task.task_arn == asked["task"]]


def _percents(asked: Parameters) -> dict[str, Any]:
    usual = {"maximumPercent": 200, "minimumHealthyPercent": 100}
    return usual | asked.get("deploymentConfiguration", {})


_BEFORE: dict[str, Callable[[Parameters], Reply | None]] = {
    "ecs.CreateService": _refuse_creation,
    "ecs.UpdateService": _refuse_update,
    "ecs.DeleteService": _refuse_deletion,
    "ecs.DescribeServices": _refuse_description,
    "ecs.ListTasks": _refuse_listing,
    "ecs.RunTask": _refuse_task,
    "ecs.StopTask": _remember,
}
_AFTER: dict[str, Callable[[Parameters, dict[str, Any]], None]] = {
    "ecs.CreateService": _created,
    "ecs.UpdateService": _updated,
    "ecs.DeleteService": _deleted,
    "ecs.DescribeServices": _described,
    "ecs.ListServices": _listed,
    "ecs.RunTask": _run,
    "ecs.StopTask": _stopped,
}

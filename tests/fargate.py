"""ECS's part in members' functions: the scheduler that starts and stops the tasks of services, on Fargate.

The emulator keeps services and starts nothing. `Fargate` does what ECS would, with the emulator's own tasks, and
delivers the events that ECS would send (AWS: Amazon ECS task state change events). What calls to ECS say of
services is tests/lagging/services.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.ecs.models import Task, ecs_backends
from moto.logs.models import logs_backends

from tests import world
from tests.lagging import services
from tests.lagging.past import PAST, of_container
from tests.lagging.services import COMING_UP, FUNCTIONS, GOING_DOWN
from tests.model import emulated

CLUSTER = f"arn:aws:ecs:{world.REGION}:{world.ACCOUNT}:cluster/{FUNCTIONS}"
LOGS = f"/ecs/{world.STACK}"
EXITED = "Essential container in task exited"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
_ROUNDS = 100  # after which a service that still changes never settles
_TEMPLATES_GROUPS = ("default", "tasks")


@dataclass
class Fargate(world.Ecs):
    """The cluster of members' functions: `Fargate(CLUSTER, deliver)`.

    `settle` does all that is to be done; its steps can be had one by one. A task that was run by itself, not for
    a service, is moved by the test: `come_up`, `exit`.
    """

    # --- the scheduler ------------------------------------------------------------------------------

    def settle(self) -> None:
        """As many tasks of each service run as are wanted, of the wanted kind; what is deleted is gone."""
        for _ in range(_ROUNDS):
            if not self._does_something():
                return
        raise AssertionError("the services' tasks change for ever")

    def _does_something(self) -> bool:
        started = self.start_tasks()
        coming = [arn for arn in self.coming() if self._service_of(arn)]
        for arn in coming:
            self.come_up(arn)
        stopped, going = self.stop_tasks(), self.going()
        for arn in going:
            self.go_down(arn)
        return bool(started or coming or stopped or going or self.deactivate())

    def coming(self) -> list[str]:
        """The ARNs of the tasks that come up, those of no service too."""
        return [
            task.task_arn
            for task in self._all()
            if task.last_status in COMING_UP and task.desired_status == "RUNNING"
        ]

    def going(self) -> list[str]:
        """The ARNs of the tasks that were asked to stop, by whomever, and have not yet."""
        return [task.task_arn for task in self._all() if _is_going_down(task)]

    def start_tasks(self) -> list[str]:
        """Start what each service lacks of tasks, as many at once as its deployment allows; the ARNs of these."""
        return [
            self._starts(service)
            for service in self._services("ACTIVE")
            if _can_be_placed(service)
            for _ in range(_lacking(service))
        ]

    def come_up(self, arn: str) -> None:
        """The image is pulled and the container runs: PENDING, then RUNNING."""
        if self._task(arn).last_status == "PROVISIONING":
            self.deliver(self.becomes(arn, "PENDING"))
        self.deliver(self.up(arn))
        if service := self._service_of(arn):
            with self._noting(service):
                _tell_if_steady(service)

    def stop_tasks(self) -> list[str]:
        """Ask tasks to stop that services have too many of, or that newer ones replace; the ARNs of these."""
        too_many = [task for service in self._services() for task in _too_many(service)]
        for task in too_many:
            self.deliver(
                self.becomes(
                    task.task_arn,
                    "DEACTIVATING",
                    stopping_at=datetime.now(UTC),
                    stopped_reason=f"Scaling activity initiated by (deployment {task.started_by})",
                    stop_code="ServiceSchedulerInitiated",
                )
            )
        return [task.task_arn for task in too_many]

    def go_down(self, arn: str) -> None:
        """A task that was asked to stop does: DEPROVISIONING, in which its network goes, then STOPPED."""
        has_run = getattr(self._task(arn), "started_at", None)
        self.deliver(self.becomes(arn, "DEPROVISIONING"))
        self.deactivate()  # ECS does not wait for what follows
        self._stops(arn, exit_code=143 if has_run else None)

    def deactivate(self) -> list[str]:
        """What drained is INACTIVE; the names of these services."""
        drained = [s for s in self._services("DRAINING") if services.has_drained(s)]
        for service in drained:
            with self._noting(service):
                service.status = "INACTIVE"
        return [service.name for service in drained]

    # --- what happens to tasks ----------------------------------------------------------------------

    def exit(self, arn: str, exit_code: int = 0, reason: str = EXITED, why: str = "") -> None:
        """The container ends of itself, once it runs; `why` is what ECS says of the container."""
        if self._task(arn).last_status in COMING_UP:
            self.come_up(arn)
        self._task(arn).containers[0].reason = why or None
        self._stops(arn, exit_code, stopped_reason=reason, stop_code="EssentialContainerExited")

    def crash(self, arn: str, exit_code: int = 1, reason: str = EXITED) -> None:
        """The container fails."""
        self.exit(arn, exit_code, reason)

    def out_of_memory(self, arn: str) -> None:
        """The container took more memory than its task has."""
        self.exit(arn, 137, why=OUT_OF_MEMORY)

    def cannot_pull(self, arn: str) -> None:
        """There is no such image: the task never runs."""
        task = self._task(arn)
        image = _in_full(task.containers[0].image)
        reason = (
            "CannotPullContainerError: pull image manifest has been retried 5 time(s): "
            f"failed to resolve ref {image}: {image}: not found"
        )
        self.fail_to_start(arn, reason)

    def fail_to_start(self, arn: str, reason: str) -> None:
        """A task that comes up stops before it runs, for that reason."""
        task = self._task(arn)
        assert task.last_status in COMING_UP, task.last_status
        task.containers[0].reason = reason
        if service := self._service_of(arn):
            with self._noting(service):
                services.says(service, f"was unable to place a task. Reason: {reason}.")
        self._stops(arn, None, stopped_reason=reason, stop_code="TaskFailedToStart")

    def log(self, arn: str, line: str, at_ms: int | None = None) -> None:
        """A task writes a line, which the awslogs driver takes to `<prefix>/<container>/<task id>`."""
        container = self._task(arn).defined[0]
        options = container["logConfiguration"]["options"]
        stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{arn.split('/')[-1]}"
        now = int(datetime.now(UTC).timestamp() * 1000)
        logs = logs_backends[world.ACCOUNT][world.REGION]
        logs.ensure_log_stream(options["awslogs-group"], stream)
        event = {"timestamp": now if at_ms is None else at_ms, "message": line}
        _, rejected = logs.put_log_events(options["awslogs-group"], stream, [event])
        assert not rejected, rejected

    def up(self, arn: str) -> dict[str, Any]:
        """The container runs; the event of it, undelivered."""
        now = datetime.now(UTC)
        times = dict.fromkeys(("pull_started_at", "pull_stopped_at", "started_at"), now)
        created = getattr(self._task(arn), "created_at", now)
        return self.becomes(arn, "RUNNING", created_at=created, connectivity="CONNECTED", **times)

    def becomes(self, arn: str, status: str, **attributes: Any) -> dict[str, Any]:
        """As any task does; its container, and what DescribeServices counts, change with it."""
        with self._noting(self._service_of(arn)):
            self._task(arn).containers[0].last_status = of_container(status)
            return super().becomes(arn, status, **attributes)

    # --- to hold events back, and to look at things -------------------------------------------------

    @contextmanager
    def holding_back(self) -> Iterator[list[dict[str, Any]]]:
        """Events are not delivered meanwhile but collected, to be delivered late, twice or never."""
        deliver, held = self.deliver, list[dict[str, Any]]()
        self.deliver = held.append
        try:
            yield held
        finally:
            self.deliver = deliver

    def tasks(self, status: str = "RUNNING", service: str = "") -> list[str]:
        """The ARNs of the tasks that are wanted RUNNING, or of those that STOPPED: all, or one service's."""
        return sorted(
            task.task_arn
            for task in self._all()
            if task.desired_status == status and (not service or task.group == f"service:{service}")
        )

    def services(self, status: str = "ACTIVE") -> list[str]:
        """The names of the services with that status."""
        return sorted(service.name for service in self._services(status))

    def service(self, name: str) -> dict[str, Any]:
        """What DescribeServices truly shows of a service."""
        return services.shown(services.named(self.cluster, name))

    def task(self, arn: str) -> dict[str, Any]:
        """What DescribeTasks truly shows of a task."""
        return world.client("ecs").describe_tasks(cluster=self.cluster, tasks=[arn])["tasks"][0]

    def forgets_service(self, name: str) -> None:
        """ECS knows nothing of an INACTIVE service any more, as some time after its end."""
        assert services.named(self.cluster, name).status == "INACTIVE"
        del ecs_backends[world.ACCOUNT][world.REGION].services[f"{FUNCTIONS}:{name}"]

    # --- how it is done -----------------------------------------------------------------------------

    def _all(self) -> list[Any]:
        return emulated.tasks(self.cluster)

    def _services(self, status: str = "") -> list[Any]:
        ours = services.of_cluster(self.cluster)
        return [service for service in ours if status in ("", service.status)]

    def _task(self, arn: str) -> Any:
        return next(task for task in self._all() if task.task_arn == arn)

    def _service_of(self, arn: str) -> Any:
        started_by = self._task(arn).started_by
        return next(
            (s for s in self._services() if started_by in {d.id for d in s.played}),
            None,
        )

    @contextmanager
    def _noting(self, service: Any) -> Iterator[None]:
        """A service changes: an answer may still show it as it was."""
        if service is not None:
            PAST.note(service.arn, services.shown(service))
        yield

    def _starts(self, service: Any) -> str:
        ecs = ecs_backends[world.ACCOUNT][world.REGION]
        deployment = service.played[-1]
        tags = {"TASK_DEFINITION": deployment.definition.tags, "SERVICE": service.tags}
        with self._noting(service):
            task: Any = Task(  # which says nothing of what else a task may have
                cluster=ecs.clusters[service.cluster_name],
                task_definition=deployment.definition,
                container_instance_arn=None,
                resource_requirements=None,
                backend=ecs,
                group=f"service:{service.name}",
                launch_type="FARGATE",
                started_by=deployment.id,
                tags=tags.get(service.propagate_tags, []),
                networking_configuration=deployment.network,
                platform_version="1.4.0",
            )
            task.last_status, task.created_at = "PROVISIONING", datetime.now(UTC)
            services.sized(task, deployment.definition)
            task.containers[0].exitCode = None
            ecs.tasks.setdefault(service.cluster_name, {})[task.task_arn] = task
            services.says(service, f"has started 1 tasks: (task {task.id}).")
        PAST.note(task.task_arn, None)
        self.deliver(self.event(task.task_arn))
        return task.task_arn

    def _stops(self, arn: str, exit_code: int | None, **attributes: Any) -> None:
        now = datetime.now(UTC)
        times = {"execution_stopped_at": now, "stopped_at": now}
        if not getattr(self._task(arn), "stopping_at", None):
            times["stopping_at"] = now
        event = self.becomes(arn, "STOPPED", exit_code=exit_code, **times, **attributes)
        self.deliver(event)


def _is_going_down(task: Any) -> bool:
    return task.last_status in GOING_DOWN or (
        task.desired_status == "STOPPED" and task.last_status != "STOPPED"
    )


def _wanted(service: Any, of: Any = None) -> list[Any]:
    """The tasks of a service, or of one of its deployments, that were not asked to stop."""
    return [
        task
        for task in services.tasks_of(service)
        if task.desired_status == "RUNNING" and (of is None or task.started_by == of.id)
    ]


def _lacking(service: Any) -> int:
    most = service.desired_count * service.deployment_configuration["maximumPercent"] // 100
    primary = service.played[-1]
    missing = service.desired_count - len(_wanted(service, primary))
    return max(0, min(missing, most - len(_wanted(service))))


def _can_be_placed(service: Any) -> bool:
    """Whether its security groups are there; otherwise the service's events say that they are not."""
    network = service.played[-1].network["awsvpcConfiguration"]
    gone = set(network["securityGroups"]) - {group.id for group in emulated.security_groups()}
    for group in gone if _lacking(service) else ():
        unknown = f"The security group '{group}' does not exist"
        services.says(service, f"was unable to place a task. Reason: {unknown}.")
    return not gone


def _too_many(service: Any) -> list[Any]:
    """The tasks that are to stop now: all of them if the service is deleted; else such as it can do without."""
    if service.status != "ACTIVE":
        return _wanted(service)
    primary = service.played[-1]
    mine = _wanted(service, primary)
    surplus = mine[service.desired_count :]
    least = math.ceil(
        service.desired_count * service.deployment_configuration["minimumHealthyPercent"] / 100
    )
    kept = sum(task.last_status == "RUNNING" for task in mine[: service.desired_count])
    old = [task for task in _wanted(service) if task.started_by != primary.id]
    # Those that do not run yet are missed by nobody, and so go first.
    old.sort(key=lambda task: task.last_status == "RUNNING", reverse=True)
    return surplus + old[max(0, least - kept) :]


def _tell_if_steady(service: Any) -> None:
    if services.shown(service)["runningCount"] == service.desired_count:
        services.says(service, "has reached a steady state.")


def _in_full(image: str) -> str:
    """An image's name as the container runtime says it."""
    first, slash, _ = image.partition("/")
    if not slash:
        image = f"docker.io/library/{image}"
    elif "." not in first and ":" not in first and first != "localhost":
        image = f"docker.io/{image}"
    name = image.split("/")[-1]
    return image if ":" in name or "@" in name else f"{image}:latest"


def leftovers() -> list[str]:
    """What there is of functions in AWS, in words; nothing once all are deleted and ECS has settled."""
    families = f"{world.STACK}_fn-"
    return sorted(
        [
            *(
                f"service {s.name} is {s.status}"
                for s in emulated.services()
                if s.status != "INACTIVE"
            ),
            *(
                f"task {task.task_arn} of {task.group} is {task.last_status}"
                for task in emulated.tasks(FUNCTIONS)
                if task.last_status != "STOPPED"
            ),
            *(
                f"task definition {d.family}:{d.revision} is {d.status}"
                for d in emulated.definitions()
                if d.family.startswith(families)
            ),
            *(
                f"security group {group.name}"
                for group in emulated.security_groups()
                if group.name not in _TEMPLATES_GROUPS
            ),
            *(
                f"log stream {name}"
                for name in emulated.log_streams(LOGS)
                if name.startswith("fn-")
            ),
            *(
                f"secret {name}"
                for name in emulated.resources()["secrets"]
                if name.startswith(f"{world.STACK}/fn-")
            ),
        ]
    )

"""The way in: one entry point for every kind of event."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from typing import Any

import actions
from handler import dispatch, events, failures, telemetry
from services import ids, settings, tracing
from services.platform import Platform

_OFTEN_ASKED = ("dynamodb", "ecs", "lambda", "elbv2", "secretsmanager")


class RetryLater(Exception):
    """What AWS is told when an event with nobody waiting for an answer failed: it then repeats it."""


@lru_cache(maxsize=1)
def platform() -> Platform:
    """The services of this deployment, made once per process."""
    loaded = settings.load()
    telemetry.configure(loaded.log_level, tracing_on=loaded.tracing)
    return Platform(loaded)


def load_all() -> None:
    """Load what any event may need, so that a snapshot of the process has it (Lambda SnapStart)."""
    from services.aws import client

    for name in actions.ACTIONS:
        actions.find(name)
    for service in _OFTEN_ASKED:
        client(service)
    for name in (
        "http.lambda_adapter",
        "http.application",
        "http.table_pages",
        "http.import_page",
        "discord.carrying_out",
    ):
        import_module(f"handler.{name}")
    for name in ("mangum", "services.tokens"):
        import_module(name)


if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    load_all()


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer one event.

    A caller gets an answer, never an exception. An event of the platform's own, for whose answer nobody
    waits, raises RetryLater if a repeat can help, so that Lambda repeats it and at last keeps it in the
    dead-letter queue.
    """
    services = platform()
    request_id = getattr(context, "aws_request_id", None) or ids.new_run_id()
    with telemetry.event(request_id) as event_log, _settled(services):
        unattended = False
        try:
            recognised = events.recognise(event)
            if recognised.kind == events.HTTP:
                return _answer_http(event, context, services)
            if recognised.kind == events.ORDER:
                unattended = True
                return _carry_out(recognised, services, event_log, request_id)
            event_log.name_action(recognised.action, recognised.payload.get("userId"))
            unattended = dispatch.is_systems_own(recognised.action)
            with tracing.segment(event_log.action):
                answer = dispatch.run(
                    recognised.action, recognised.payload, dispatch.DIRECT, services
                )
        except Exception as error:
            failure = failures.kind_of(error)
            event_log.failed(error, failure)
            # Lambda deletes a queue's messages unless it is told that they are left.
            if unattended and (failure.passing or recognised.kind == events.QUEUE):
                raise RetryLater(f"{failure.code}, request id {request_id}") from None
            answer = failures.answer(error, request_id)
            return _as_http(event, failure, answer) if events.is_http(event) else answer
        event_log.succeeded()
        return _to_lambda(answer) if recognised.kind == events.QUEUE else answer


@contextmanager
def _settled(services: Platform) -> Iterator[None]:
    try:
        yield
    finally:
        services.settle()


def _answer_http(event: dict[str, Any], context: Any, services: Platform) -> dict[str, Any]:
    """Let the web application answer; it logs by itself. Only an HTTP event pays for loading it."""
    from handler.http import lambda_adapter

    return lambda_adapter.answer(event, context, services)


def _carry_out(
    order: events.Recognised,
    services: Platform,
    event_log: telemetry.EventLog,
    request_id: str,
) -> dict[str, Any]:
    """Carry out what somebody in Discord has asked for."""
    from handler.discord.carrying_out import carry_out

    carry_out(order.payload["sealed"], services, event_log, request_id)
    return {"success": True}


def _to_lambda(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Which messages of a queue come again; Lambda deletes all others (ReportBatchItemFailures)."""
    return {"batchItemFailures": [{"itemIdentifier": left} for left in answer["left"]]}


def _as_http(event: dict[str, Any], failure: failures.Failure, answer: Any) -> dict[str, Any]:
    from handler.http.plain import as_http

    return as_http(event, failure.http_status, answer, answer["requestId"])

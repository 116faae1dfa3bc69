"""How many requests and calls there were and how long they took, as Prometheus reads it.

Those that begin with `eventflow_` have names and labels of the EventFlow contract. Only what there is of functions
names users, for whom the operator shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

METHODS = frozenset({"GET", "POST", "OPTIONS", "HEAD", "PUT", "PATCH", "DELETE"})
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_requests = Counter(
    "http_requests", "Requests answered", ["method", "route", "status"], registry=REGISTRY
)
_seconds = Histogram(
    "http_request_seconds",
    "Time to the end of the answer",
    ["route"],
    buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10, 30),
    registry=REGISTRY,
)


_api_requests = Counter(
    "eventflow_api_requests",
    "Total number of API requests",
    ["method", "endpoint", "status"],
    registry=REGISTRY,
)
_api_seconds = Histogram(
    "eventflow_api_request_duration_seconds",
    "API request duration in seconds",
    ["method", "endpoint"],
    buckets=(0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30),
    registry=REGISTRY,
)
_OF_EVENTFLOW = ("/v1/functions", "/v1/webhooks", "/auth/")


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request. `route` is a pattern, never a path; an invented method counts as `other`."""
    known = method if method in METHODS else "other"
    _requests.labels(known, route, str(status)).inc()
    _seconds.labels(route).observe(seconds)
    if route.startswith(_OF_EVENTFLOW):
        _api_requests.labels(known, route, str(status)).inc()
        _api_seconds.labels(known, route).observe(seconds)


_calls = Counter("rpc_calls", "gRPC calls answered", ["action", "status"], registry=REGISTRY)
_call_seconds = Histogram(
    "rpc_call_seconds",
    "Time to the end of the answer",
    ["action"],
    buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10, 30),
    registry=REGISTRY,
)


def count_call(action: str, status: str, seconds: float) -> None:
    """Count one call of gRPC by the action that it is."""
    _calls.labels(action, status).inc()
    _call_seconds.labels(action).observe(seconds)


class _Functions:
    """What `function-figures` says, as gauges."""

    def __init__(self, figures: Mapping[str, Any]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        total = GaugeMetricFamily(
            "eventflow_functions_total", "Total number of functions", labels=["namespace", "status"]
        )
        for namespace, by_status in self._figures["functions"].items():
            for status, count in by_status.items():
                total.add_metric([namespace, status], count)
        used = GaugeMetricFamily(
            "eventflow_quota_used", "What functions use", labels=["namespace", "resource"]
        )
        for namespace, amounts in self._figures["used"].items():
            for resource, amount in amounts.items():
                used.add_metric([namespace, resource], amount)
        allowed = GaugeMetricFamily(
            "eventflow_quota_allowed", "What each tenant may use", labels=["resource"]
        )
        for resource, amount in self._figures["allowed"].items():
            allowed.add_metric([resource], amount)
        yield from (total, used, allowed)


def shown(figures: Mapping[str, Any] | None) -> bytes:
    """All metrics in Prometheus' text format; of functions, what `figures` (function-figures) say, if anything."""
    if figures is None:
        return generate_latest(REGISTRY)
    of_functions = CollectorRegistry()
    of_functions.register(_Functions(figures))
    return generate_latest(REGISTRY) + generate_latest(of_functions)

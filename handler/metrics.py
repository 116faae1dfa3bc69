"""How many requests and calls there were and how long they took, as Prometheus reads it. No metric names a user."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

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


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request. `route` is a pattern, never a path; an invented method counts as `other`."""
    known = method if method in METHODS else "other"
    _requests.labels(known, route, str(status)).inc()
    _seconds.labels(route).observe(seconds)


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

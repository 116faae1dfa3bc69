"""The surface of a plain function behind an API (docs/http.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import Request

from handler.http.openapi import described
from handler.http.request import Json, platform_of
from handler.http.security import Authenticated
from handler.http.surface import Surface
from services import clock

MODULE, VERSION = (
    "lambda_action_module",
    "1.0.0",
)  # as the contract has them (Lambda Action, Health Check)


class _Elsewhere(PathConvertor):
    """Any path but those of /api/v1/, which are another surface's."""

    regex = "(?!v1(?:/|$)).*"


register_url_convertor("elsewhere", _Elsewhere())
router = APIRouter()
SURFACE = Surface(router)


@router.get(
    "/",
    openapi_extra=described(
        {
            "type": "object",
            "required": ["service", "status", "environment"],
            "properties": {"status": {"const": "healthy"}},
        },
        {
            "service": "foundry-vtt-instance-management",
            "status": "healthy",
            "environment": "prod",
        },
    ),
)
async def root(request: Request) -> Json:
    """What answers here, and that it does."""
    settings = platform_of(request).settings
    return Json(
        {
            "service": settings.aws_lambda_function_name,
            "status": "healthy",
            "environment": settings.env,
        }
    )


_HEALTH = {
    "type": "object",
    "required": ["status", "module", "version", "timestamp", "config"],
    "properties": {
        "status": {"const": "healthy"},
        "module": {"type": "string"},
        "version": {"type": "string"},
        "timestamp": {"type": "string"},
        "config": {"type": "object"},
    },
}


@router.get(
    "/health",
    openapi_extra=described(
        _HEALTH,
        {
            "status": "healthy",
            "module": MODULE,
            "version": VERSION,
            "timestamp": "2026-11-26T20:00:00.000000",
            "config": {
                "module_name": MODULE,
                "module_version": VERSION,
                "grpc_port": 50060,
                "rest_port": 8080,
                "database_configured": True,
                "aws_configured": True,
                "aws_region": "us-east-1",
                "max_concurrent_requests": 100,
                "request_timeout": 30,
                "log_level": "INFO",
            },
        },
    ),
)
async def health(request: Request) -> Json:
    """For load balancers: this process answers, and how it is configured. Nothing is asked of AWS.

    The ports are null in the function, which listens on none.
    """
    settings, ports = platform_of(request).settings, request.app.state.ports
    now = datetime.fromtimestamp(clock.milliseconds() / 1000, UTC).replace(tzinfo=None)
    return Json(
        {
            "status": "healthy",
            "module": MODULE,
            "version": VERSION,
            "timestamp": now.isoformat(timespec="microseconds"),
            "config": {
                "module_name": MODULE,
                "module_version": VERSION,
                "grpc_port": ports.grpc,
                "rest_port": ports.rest,
                "database_configured": True,  # without tables there are no settings
                "aws_configured": True,
                "aws_region": settings.aws_region,
                "max_concurrent_requests": settings.max_concurrent_requests,
                "request_timeout": settings.request_timeout,
                "log_level": settings.log_level,
            },
        }
    )


@router.get(
    "/api/{path:elsewhere}",
    openapi_extra=described(
        {
            "type": "object",
            "required": ["method", "path", "query", "user"],
            "properties": {
                "method": {"const": "GET"},
                "path": {"type": "string"},
                "query": {"type": "object"},
                "user": {"type": "string"},
            },
        },
        {"method": "GET", "path": "/api/maps", "query": {"page": "2"}, "user": "ada"},
        401,
    ),
)
async def echo(request: Request, path: str, caller: Authenticated) -> Json:
    """Says what arrived, as whoever sets up a gateway in front wants to see it."""
    query: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    return Json(
        {
            "method": request.method,
            "path": f"/api/{path}",
            "query": {name: v[0] if len(v) == 1 else v for name, v in query.items()},
            "user": caller.user_id,
        }
    )

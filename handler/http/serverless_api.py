"""The surface of a plain function behind an API (docs/http.md)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from handler.http.openapi import described
from handler.http.request import Json, platform_of
from handler.http.security import Authenticated
from handler.http.surface import Surface

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


@router.get(
    "/health",
    openapi_extra=described(
        {"type": "object", "properties": {"status": {"const": "healthy"}}, "required": ["status"]},
        {"status": "healthy"},
    ),
)
async def health() -> Json:
    """For load balancers: this process answers."""
    return Json({"status": "healthy"})


@router.get(
    "/api/{path:path}",
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

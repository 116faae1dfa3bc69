"""Lists of mock data: one route for each line of the map in services/mock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request

from actions.errors import InvalidRequest
from handler.http.dispatching import dispatch_action, without_success
from handler.http.openapi import described
from handler.http.request import Json
from handler.http.security import Authenticated
from handler.http.surface import Surface
from services.mock_data import endpoints

router = APIRouter()
SURFACE = Surface(router)
PAGE = {"limit", "offset"}


def _list_of(name: str) -> Callable[..., Json]:
    def listed(
        request: Request,
        caller: Authenticated,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> Json:
        payload = {"name": name, "where": _filters(request), "limit": limit, "offset": offset}
        return Json(without_success(dispatch_action(request, "list-data", payload, caller)))

    return listed


def _filters(request: Request) -> dict[str, str]:
    """All of the query but the page. Raises InvalidRequest where a name comes twice: no record has two values."""
    given: dict[str, str] = {}
    for field, value in request.query_params.multi_items():
        if field in given:
            raise InvalidRequest(f"{field[:64]} is given twice.", field=field[:64])
        given[field] = value
    return {field: value for field, value in given.items() if field not in PAGE}


def _said(about: str, filters: list[str]) -> dict[str, Any]:
    page: dict[str, Any] = {
        "type": "object",
        "required": ["items", "total", "limit", "offset"],
        "properties": {
            "items": {"type": "array", "items": {"type": "object"}},
            "total": {"type": "integer"},
            "limit": {"type": "integer"},
            "offset": {"type": "integer"},
        },
    }
    by = [{"name": f, "in": "query", "schema": {"type": "string"}} for f in filters]
    return described(page, None, 400, 401, 500, 504, summary=about, parameters=by)


for _name, _of in endpoints().items():
    router.add_api_route(
        f"/{_name}",
        _list_of(_name),
        methods=["GET"],
        name=_name,
        openapi_extra=_said(_of["about"], _of["filters"]),
    )

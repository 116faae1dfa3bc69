"""EventFlow: members' own containers under /v1/functions (docs/functions.md)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic.alias_generators import to_camel, to_snake
from starlette.requests import Request
from starlette.responses import Response

from actions.action import Answer
from actions.errors import InvalidRequest, NoToken
from actions.functions.forms import LONGEST_PAGE
from actions.functions.wording import in_snake_case
from handler.http import openapi
from handler.http.dispatching import dispatch_action
from handler.http.request import Json, json_object
from handler.http.security import Authenticated
from handler.http.surface import Surface, brief

router = APIRouter()
_PREFIX = "/v1/functions"


def owns(path: str, method: str) -> bool:
    """Whether an address is one of this surface's."""
    return path == _PREFIX or path.startswith(f"{_PREFIX}/")


def words(error: Exception, status: int, request_id: str) -> dict[str, Any]:
    """The contract's `{error, message}`, in its own words where it has any and with its own names of fields."""
    if isinstance(error, NoToken):
        return {"error": HTTPStatus(status).phrase, "message": "missing authorization header"}
    said = brief(error, status, request_id)
    field = getattr(error, "details", {}).get("field", "").partition(".")[0]
    if field:
        said["message"] = said["message"].replace(field, to_snake(field), 1)
    return said


SURFACE = Surface(router, owns, words)
Body = Annotated[dict[str, Any], json_object("a JSON object with the fields of docs/functions.md")]
Input = Annotated[dict[str, Any], json_object('{"input": …}', if_empty={})]
TEXT, _NUMBER, _TIME = (
    {"type": "string"},
    {"type": "integer"},
    {"type": "string", "format": "date-time"},
)
_NAME = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"}
_COMMAND = {"type": "array", "items": TEXT, "maxItems": 64}
_ENV = {"type": "object", "additionalProperties": TEXT, "maxProperties": 64}
_SIZE = {
    "cpu": {"enum": [256, 512, 1024, 2048, 4096]},
    "memory": {"type": "integer", "minimum": 512, "maximum": 30720},
    "read_only": {"type": "boolean"},
}
_FUNCTION: dict[str, Any] = {
    "type": "object",
    "required": ["id", "user_id", "name", "namespace", "image", "replicas", "status"],
    "properties": {
        "id": TEXT,
        "user_id": TEXT,
        "name": _NAME,
        "namespace": TEXT,
        "image": TEXT,
        "replicas": _NUMBER,
        "command": _COMMAND,
        "env": _ENV,
        "status": {"enum": ["Pending", "Running", "Failed", "Stopped"]},
        "available_replicas": _NUMBER,
        "reason": TEXT,
        "created_at": _TIME,
        "updated_at": _TIME,
        **_SIZE,
    },
}
_CHANGEABLE = {
    "image": {"type": "string", "minLength": 1, "maxLength": 255},
    "replicas": {"type": "integer", "minimum": 0, "maximum": 10},
    "command": _COMMAND,
    "env": _ENV,
    **_SIZE,
}
_ASKED = {
    "name": "my-function",
    "image": "nginx:alpine",
    "replicas": 2,
    "command": ["nginx", "-g", "daemon off;"],
    "env": {"ENV": "production", "LOG_LEVEL": "info"},
}
_ANSWERED = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "user_id": "alice",
    **_ASKED,
    "namespace": "tenant-alice",
    "cpu": 256,
    "memory": 512,
    "read_only": False,
    "status": "Pending",
    "available_replicas": 0,
    "created_at": "2025-11-08T10:30:00Z",
    "updated_at": "2025-11-08T10:30:00Z",
}
_LISTED = {name: value for name, value in _ANSWERED.items() if name not in ("command", "env")}
_INVOCATION = {
    "type": "object",
    "required": ["job_name", "status", "requested_at"],
    "properties": {
        "job_name": TEXT,
        "status": {"enum": ["pending", "running", "completed", "failed"]},
        "requested_at": _TIME,
        "started_at": _TIME,
        "finished_at": _TIME,
        "exit_code": _NUMBER,
        "reason": TEXT,
        "cost": {"type": "number", "description": "USD"},
    },
}
_INVOKED = {
    "job_name": "web-server-invoke-1762597800",
    "status": "completed",
    "requested_at": "2025-11-08T10:30:00Z",
    "started_at": "2025-11-08T10:30:20Z",
    "finished_at": "2025-11-08T10:30:42Z",
    "exit_code": 0,
    "cost": 0.000247,
}
_REFUSALS = (400, 401, 403, 404, 408, 409, 413, 415, 429, 500, 504)


def described(
    answer: dict[str, Any],
    example: Any,
    *,
    status: int = 200,
    body: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What a route of this surface says of itself."""
    said = openapi.described(answer, example, *_REFUSALS, body=body, **more)
    if status != HTTPStatus.OK:
        said["responses"][str(status)] = said["responses"].pop("200")
    return said


def _deleted() -> dict[str, Any]:
    said = described({}, None)
    del said["responses"]["200"]
    said["responses"]["204"] = {"description": "Deleted"}
    return said


def asks(properties: dict[str, Any], required: list[str], example: Any) -> dict[str, Any]:
    """What a route says of the body that it takes; null stands for what is not given."""
    may_be = {
        name: of if name in required else openapi.or_null(of) for name, of in properties.items()
    }
    schema = {"type": "object", "properties": may_be, "required": required}
    return {"application/json": {"schema": schema, "example": example}}


@router.post(
    _PREFIX,
    status_code=201,
    openapi_extra=described(
        _FUNCTION,
        _ANSWERED,
        status=201,
        body=asks({"name": _NAME, **_CHANGEABLE}, ["name", "image"], _ASKED),
    ),
)
def create(request: Request, caller: Authenticated, body: Body) -> Json:
    """Have a container run, as many of it as asked for."""
    answer = dispatch_action(request, "function-create", given(body, "name", "image"), caller)
    return Json(_shown(answer["function"]), status_code=201)


@router.get(_PREFIX, openapi_extra=described({"type": "array", "items": _FUNCTION}, [_LISTED]))
def listed(
    request: Request,
    caller: Authenticated,
    page: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    limit: Annotated[int | None, Query(ge=1, le=LONGEST_PAGE)] = None,
) -> Json:
    """All functions of the caller's, the latest first, or a page of them; X-Total-Count says how many."""
    asked = {"page": page, "limit": limit}
    answer = dispatch_action(request, "function-list", asked, caller)
    total = {"x-total-count": str(answer["total"])}
    return Json([_shown(function) for function in answer["functions"]], headers=total)


@router.get(f"{_PREFIX}/{{name}}", openapi_extra=described(_FUNCTION, _ANSWERED))
def one(request: Request, name: str, caller: Authenticated) -> Json:
    """One function."""
    answer = dispatch_action(request, "function-get", {"name": name}, caller)
    return Json(_shown(answer["function"]))


@router.patch(
    f"{_PREFIX}/{{name}}",
    openapi_extra=described(_FUNCTION, _ANSWERED, body=asks(_CHANGEABLE, [], {"replicas": 3})),
)
def change(request: Request, name: str, caller: Authenticated, body: Body) -> Json:
    """Another image, command, environment, size or number of replicas."""
    asked = {**given(body), "name": name}
    answer = dispatch_action(request, "function-update", asked, caller)
    return Json(_shown(answer["function"]))


@router.delete(
    f"{_PREFIX}/{{name}}",
    status_code=204,
    openapi_extra=_deleted(),
)
def delete(request: Request, name: str, caller: Authenticated) -> Response:
    """End a function; its name is free at once."""
    dispatch_action(request, "function-delete", {"name": name}, caller)
    return Response(status_code=204)


@router.post(
    f"{_PREFIX}/{{name}}:invoke",
    openapi_extra=described(
        {
            "type": "object",
            "required": ["message", "job_name"],
            "properties": {"message": TEXT, "job_name": TEXT},
        },
        {
            "message": "Function 'web-server' invoked successfully",
            "job_name": "web-server-invoke-1699564800",
        },
        requestBody={
            "required": False,
            "content": asks({"input": {}}, [], {"input": {"key": "value"}}),
        },
    ),
)
def invoke(request: Request, name: str, caller: Authenticated, body: Input) -> Json:
    """Run a function's image once, with an input, as a task of its own."""
    asked = {"name": name, "input": body.get("input")}
    answer = dispatch_action(request, "function-invoke", asked, caller)
    return Json({"message": answer["message"], "job_name": answer["jobName"]})


@router.get(
    f"{_PREFIX}/{{name}}/invocations",
    openapi_extra=described({"type": "array", "items": _INVOCATION}, [_INVOKED]),
)
def invocations(
    request: Request,
    name: str,
    caller: Authenticated,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    next: Annotated[str | None, Query(max_length=4096)] = None,  # noqa: A002 - the answer's word
) -> Json:
    """What was invoked of a function within the month, the latest first; X-Next is the `next` of the next page."""
    asked = {"name": name, "limit": limit, "next": next}
    answer = dispatch_action(request, "function-invocations", asked, caller)
    shown = [in_snake_case(job) for job in answer["invocations"]]
    return Json(shown, headers={"x-next": answer["next"]} if "next" in answer else None)


def given(body: dict[str, Any], *required: str) -> dict[str, Any]:
    """A body's fields as an action takes them. Raises InvalidRequest if a `required` one is missing."""
    for name in required:
        if not body.get(name):
            raise InvalidRequest(f"{name} is required", field=name)
    # Whose request it is says the token alone; what a body says of a user is nobody's field here.
    asked = {to_camel(name): value for name, value in body.items() if value is not None}
    return {name: value for name, value in asked.items() if name not in ("userId", "clientId")}


def _shown(function: Answer) -> Answer:
    shown = in_snake_case(function)
    return shown | ({"env": function["env"]} if "env" in function else {})  # the member's own names

"""The description of all routes as OpenAPI 3.1, made from the routes and from the actions themselves.

Routes say what they take and answer where they are declared (`described`). Each action that people may call gets a
path of its own here, from its request model and its sample in events/.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

import actions
from actions.action import Action, Scope
from services.platform import Platform

Schema = dict[str, Any]

EVENTS = Path(__file__).parents[2] / "events"
_ABOUT = (
    "Foundry VTT servers for a community. Who calls is decided by the bearer token: a Cognito ID token, or one"
    " that the platform issued. Errors of `POST /`, /v1/actions and /webhooks are the platform's; those of /api/v1"
    " are {success, error, status_code, request_id}; all others are {error, message}."
)
_REF = "#/components/schemas/{model}"
_BRIEF, _FULL = {"$ref": "#/components/schemas/Error"}, {"$ref": "#/components/schemas/ActionError"}
# Their `success` may be a function's own.
_OF_FUNCTIONS = ("any-action", "invoke-function", "invoke-async")
_OF_ACTIONS = (400, 401, 403, 404, 408, 409, 413, 415, 429, 500, 504)
_ERRORS: Schema = {
    "Error": {
        "type": "object",
        "required": ["error", "message"],
        "properties": {"error": {"type": "string"}, "message": {"type": "string"}},
        "example": {"error": "Unauthorized", "message": "There is no bearer token."},
    },
    "ActionError": {
        "type": "object",
        "required": ["success", "error", "errorCode", "requestId"],
        "properties": {
            "success": {"const": False},
            "error": {"type": "string"},
            "errorCode": {"type": "string"},
            "details": {"type": "object"},
            "requestId": {"type": "string"},
        },
        "example": {
            "success": False,
            "errorCode": "RESOURCE_NOT_FOUND",
            "error": "You have no Foundry server yet.",
            "details": {"field": "userId", "suggestion": "Make one with create-instance."},
            "requestId": "0f1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9",
        },
    },
}


def described(
    answer: Schema,
    example: Any = None,
    *errors: int,
    body: Schema | None = None,
    error: Schema = _BRIEF,
    **more: Any,
) -> Schema:
    """What a route's `openapi_extra` says of it: the schema and an example of its answer, its errors, its body.

    `error` is the schema of its errors, where it words them itself.
    """
    content: Schema = {"schema": answer} | ({} if example is None else {"example": example})
    said: Schema = {
        "responses": {
            "200": {"description": "The answer", "content": {"application/json": content}},
            **{str(status): failed(status, error) for status in errors},
        }
    }
    if body is not None:
        said["requestBody"] = {"required": True, "content": body}
    return said | more


def or_null(schema: Schema) -> Schema:
    """What may be given as null instead, which stands for what is not given."""
    return {"anyOf": [schema, {"type": "null"}]}


def failed(status: int, schema: Schema) -> Schema:
    """The description of an error answer."""
    content = {"application/json": {"schema": schema}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def document(app: FastAPI, platform: Platform) -> Schema:
    """The whole description."""
    made = get_openapi(
        title="Foundry VTT hosting", version="1.0", description=_ABOUT, routes=app.router.routes
    )
    people = {name: actions.find(name) for name in actions.ACTIONS}
    people = {name: a for name, a in people.items() if a.scope is not Scope.SYSTEM}
    references, schemas = _schemas(people)
    made["paths"]["/"]["post"] = _any_action(references)
    for name, action in people.items():
        described_action = _one_action(name, action, references[name])
        made["paths"][f"/v1/actions/{name}"] = {"post": described_action}
    made["components"]["schemas"] = (
        _ERRORS | schemas | {"ChatBody": _about_oneself(schemas["Chat"])}
    )
    open_to_all = _open_to_all(app, platform)
    for path, operations in made["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)  # FastAPI's own, which are answered as 400 here
            if path in open_to_all:
                operation.pop("security", None)
                operation["responses"].pop("401", None)
            for answer in operation["responses"].values():
                answer.setdefault("headers", {})["x-request-id"] = {"schema": {"type": "string"}}
    return made


def _open_to_all(app: FastAPI, platform: Platform) -> set[str]:
    """The addresses that the operator has opened, which otherwise want a token."""
    pages = {"/openapi.json", "/docs"} if platform.settings.docs_public else set()
    return pages | ({"/metrics"} if app.state.metrics_open else set())


def _schemas(people: dict[str, Action[Any]]) -> tuple[dict[str, Schema], Schema]:
    """Where each action's request model is described, and all these descriptions.

    `userId` is no longer required in them: over HTTP the token says who a request is about.
    """
    models = {action.request for action in people.values()}
    ordered = sorted(models, key=lambda model: model.__name__)
    made, whole = models_json_schema(
        [(model, "validation") for model in ordered], by_alias=True, ref_template=_REF
    )
    references = {name: made[action.request, "validation"] for name, action in people.items()}
    found: Schema = whole.get("$defs", {})
    for schema in found.values():
        needed = [name for name in schema.pop("required", []) if name != "userId"]
        if needed:
            schema["required"] = needed
    return references, found


def _about_oneself(schema: Schema) -> Schema:
    """A request of an address that is always about the token's user."""
    properties = {name: of for name, of in schema["properties"].items() if name != "userId"}
    return schema | {"properties": properties}


def _one_action(name: str, action: Action[Any], schema: Schema) -> Schema:
    asked, answered = _samples(name)
    asked.pop("action", None)
    return _operation(name, (action.run.__doc__ or name).splitlines()[0], schema, asked, answered)


def _any_action(references: dict[str, Schema]) -> Schema:
    choices = [
        {
            "allOf": [reference],
            "properties": {"action": {"const": name}},
            "required": ["action"],
        }
        for name, reference in references.items()
    ]
    asked, answered = _samples("status")
    return _operation("any-action", "Any action, by name", {"anyOf": choices}, asked, answered)


def _operation(name: str, summary: str, schema: Schema, asked: Any, answered: Any) -> Schema:
    answer: Schema = {
        "type": "object",
        "required": ["success"],
        "properties": {
            "success": {"type": "boolean"} if name in _OF_FUNCTIONS else {"const": True}
        },
    }
    described_body = {"application/json": {"schema": schema, "example": asked}}
    said = described(answer, answered, body=described_body)
    said["responses"] |= {str(status): failed(status, _FULL) for status in _OF_ACTIONS}
    return {"operationId": name, "summary": summary, "security": [{"bearer": []}], **said}


def _samples(name: str) -> tuple[Any, Any]:
    """The sample of a request without its userId, which the token says, and its answer."""
    asked, answered = (
        json.loads(path.read_text("utf-8")) if path.exists() else {}
        for path in (EVENTS / f"{name}.json", EVENTS / "answers" / f"{name}.json")
    )
    return {field: value for field, value in asked.items() if field != "userId"}, answered

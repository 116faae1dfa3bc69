"""A request in every shape in which AWS hands HTTP to a function, and each answer back as one thing.

The shapes are those of events/http/; here they get the method, path, query, headers and body of a request.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

from handler.app import lambda_handler
from tests.world import Context, sample

Event = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request as its sender means it."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query, read."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True)
class Answer:
    """An answer, whatever shape it came in."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


def v1(asked: Asked, stage: str = "live") -> Event:
    """API Gateway, REST API."""
    event = sample("http/api-gateway-v1", httpMethod=asked.method, path=asked.path)
    event["headers"] = dict(asked.headers)
    event["multiValueHeaders"] = {name: [value] for name, value in asked.headers.items()}
    event["queryStringParameters"] = dict(asked.pairs) or None
    event["multiValueQueryStringParameters"] = _gathered(asked.pairs) or None
    event["requestContext"] |= {"stage": stage, "path": f"/{stage}{asked.path}"}
    return event | _body(asked.body)


def v2(asked: Asked, sample_name: str = "api-gateway-v2", stage: str = "$default") -> Event:
    """API Gateway, HTTP API: a stage that has a name is part of the path."""
    path = asked.path if stage == "$default" else f"/{stage}{asked.path}"
    event = sample(f"http/{sample_name}", rawPath=path, rawQueryString=asked.query)
    event["headers"] = {name.lower(): value for name, value in asked.headers.items()}
    event["requestContext"]["stage"] = stage
    event["requestContext"]["http"] |= {"method": asked.method, "path": path}
    return event | _body(asked.body)


def function_url(asked: Asked) -> Event:
    """A function URL: version 2, too."""
    return v2(asked, "function-url")


def alb(asked: Asked) -> Event:
    """A load balancer, which hands the query on as it is written."""
    event = sample("http/alb", httpMethod=asked.method, path=quote(asked.path))
    event["headers"] = {name.lower(): value for name, value in asked.headers.items()}
    event["queryStringParameters"] = {quote_plus(n): quote_plus(v) for n, v in asked.pairs}
    return event | _body(asked.body)


def alb_multi_value(asked: Asked) -> Event:
    """A load balancer whose target group has multi-value headers on."""
    event = sample("http/alb-multi-value", httpMethod=asked.method, path=quote(asked.path))
    event["multiValueHeaders"] = {name.lower(): [value] for name, value in asked.headers.items()}
    gathered = _gathered([(quote_plus(n), quote_plus(v)) for n, v in asked.pairs])
    event["multiValueQueryStringParameters"] = gathered
    return event | _body(asked.body)


def v1_in_base64(asked: Asked) -> Event:
    """REST API that takes the body for binary."""
    return _in_base64(v1(asked))


def v2_in_base64(asked: Asked) -> Event:
    """HTTP API that takes the body for binary, as it does with a form."""
    return _in_base64(v2(asked))


def v1_mapped(asked: Asked) -> Event:
    """REST API under a domain whose base path is the stage's name: the path has it."""
    event = v1(asked)
    event["path"] = event["requestContext"]["path"] = f"/live{asked.path}"
    return event


def v2_staged(asked: Asked) -> Event:
    """HTTP API with a stage of its own name."""
    return v2(asked, stage="live")


SHAPES: dict[str, Callable[[Asked], Event]] = {
    shape.__name__: shape
    for shape in (
        v1,
        v2,
        function_url,
        alb,
        alb_multi_value,
        v1_in_base64,
        v2_in_base64,
        v1_mapped,
        v2_staged,
    )
}


def send(event: Event) -> Answer:
    """What the function answers to an event, read as its sender would."""
    given = lambda_handler(event, Context())
    body = given["body"] or ""
    raw = base64.b64decode(body) if given["isBase64Encoded"] else body.encode()
    headers = given.get("headers") or {
        name: values[0] for name, values in given["multiValueHeaders"].items()
    }
    return Answer(given["statusCode"], {n.lower(): v for n, v in headers.items()}, raw)


def ask(
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    query: str = "",
    shape: Callable[[Asked], Event] = v2,
    **headers: str,
) -> Answer:
    """Send a request in one shape; a body that is not bytes becomes JSON."""
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": "application/json", "host": "platform.example"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        given["authorization"] = f"Bearer {token}"
    return send(shape(Asked(method, path, query, given, raw)))


def _body(body: bytes | None) -> Event:
    return {"body": None if body is None else body.decode("utf-8"), "isBase64Encoded": False}


def _in_base64(event: Event) -> Event:
    if event["body"] is None:
        return event
    return event | {
        "body": base64.b64encode(event["body"].encode()).decode(),
        "isBase64Encoded": True,
    }


def _gathered(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    return gathered

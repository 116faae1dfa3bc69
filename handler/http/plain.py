"""HTTP events of Lambda, for what is answered without the web application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from handler.http.security_headers import SECURITY_HEADERS


def as_http(event: Any, status: int, answer: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """The answer in the form that API Gateway, a function URL and a load balancer take."""
    headers = {**SECURITY_HEADERS, "content-type": "application/json", "x-request-id": request_id}
    form: dict[str, Any] = {"headers": headers}
    context = event.get("requestContext")
    if isinstance(context, dict) and "elb" in context:
        form["statusDescription"] = f"{status} {HTTPStatus(status).phrase}"
        if "multiValueHeaders" in event:
            del form["headers"]
            form["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    return {"statusCode": status, "body": json.dumps(answer), "isBase64Encoded": False, **form}


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers of an event of any shape, their names in lower case; the last of several of one name."""
    single = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return last_of_each(event.get("multiValueHeaders")) | single


def last_of_each(values: Mapping[str, list[str]] | None) -> dict[str, str]:
    """What an event gives several times, once; names in lower case."""
    return {name.lower(): given[-1] for name, given in (values or {}).items() if given}

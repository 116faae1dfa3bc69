"""An answer in JSON to an HTTP event of Lambda, for what is answered without the web application."""

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

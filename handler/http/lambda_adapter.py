"""HTTP events of Lambda: API Gateway REST and HTTP APIs, function URLs, load balancers.

An event is checked and completed, so that whatever shape it has, Mangum finds what it needs; and a stage's name is
taken off its path. Then Mangum turns it into a request of the one application; but for a table's (tables.py), and
Discord's (discord.py).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actions.errors import InvalidRequest
from handler.discord import PATH as DISCORD
from handler.http import tables
from services.platform import Platform

if TYPE_CHECKING:
    from mangum import Mangum

_FORWARDED = "x-forwarded-for"
_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}(:\d{1,5})?")


class Http(BaseModel):
    """requestContext.http of a version 2 event."""

    model_config = ConfigDict(extra="allow")
    method: str
    path: str = "/"
    sourceIp: str = ""  # noqa: N815 - AWS's name


class Context(BaseModel):
    """requestContext, as far as it matters here."""

    model_config = ConfigDict(extra="allow")
    http: Http | None = None
    elb: dict[str, Any] | None = None
    # Left out by a load balancer, and by who makes an event by hand; AWS never writes it empty or null.
    apiId: str = Field(default="", min_length=1)  # noqa: N815
    stage: str = ""
    path: str = ""


class Event(BaseModel):
    """What all shapes of HTTP event have in common, under AWS's own names."""

    model_config = ConfigDict(extra="allow")
    httpMethod: str = ""  # noqa: N815
    path: str = "/"
    rawQueryString: str = ""  # noqa: N815
    headers: dict[str, str] | None = None
    multiValueHeaders: dict[str, list[str]] | None = None  # noqa: N815
    queryStringParameters: dict[str, str] | None = None  # noqa: N815
    multiValueQueryStringParameters: dict[str, list[str]] | None = None  # noqa: N815
    cookies: list[str] | None = None
    body: str | None = None
    isBase64Encoded: bool = False  # noqa: N815
    requestContext: Context = Field(default_factory=Context)  # noqa: N815


def answer(event: dict[str, Any], context: Any, platform: Platform) -> dict[str, Any]:
    """The answer in the shape that the event's sender takes. Raises InvalidRequest for an event that is none."""
    try:
        found = complete(event)
        if asked := tables.asked_of(found, platform.settings.domain):
            return tables.answer(asked, found, context, platform)
        if _is_of_discord(found):
            from handler.http import discord

            return discord.answered(found, context, platform)
        return adapter(platform)(found, context)
    except (ValidationError, ValueError):  # binascii.Error and UnicodeError are ValueErrors, too
        raise InvalidRequest("The event is not one of HTTP.") from None


@lru_cache(maxsize=2)
def adapter(platform: Platform) -> Mangum:
    """The application as Lambda calls it, made once for a platform."""
    from mangum import Mangum

    from handler.http.application import build

    return Mangum(build(platform), lifespan="off")


def complete(event: dict[str, Any]) -> dict[str, Any]:
    """The event with all that Mangum expects of its shape. Raises pydantic.ValidationError."""
    checked = Event.model_validate(event)
    found = checked.model_dump(exclude_none=True)
    for headers in ("headers", "multiValueHeaders"):
        if headers in found:
            found[headers] = _passable(found[headers])
    http, context = checked.requestContext.http, checked.requestContext
    if context.elb is not None:
        found.setdefault("headers", {})
        for headers in {"headers", "multiValueHeaders"} & found.keys():
            found[headers] = _from_balancer(found[headers])
    elif http is not None:
        found["version"] = "2.0"
        found.setdefault("headers", {})
        found["requestContext"]["http"]["path"] = _without_stage(http.path, context.stage)
    else:
        found.setdefault("resource", checked.path)
        found.pop("version", None)  # an HTTP API that sends version 1 is like a REST API
        # A REST API's own path has no stage, as requestContext.path shows; a mapped domain's may.
        bare = context.path == f"/{context.stage}{checked.path}"
        found["path"] = checked.path if bare else _without_stage(checked.path, context.stage)
    return found


def _is_of_discord(event: dict[str, Any]) -> bool:
    """Whether a complete event is a post of Discord's, or of who says so."""
    http = event["requestContext"].get("http") or {}
    method, path = http.get("method") or event["httpMethod"], http.get("path") or event["path"]
    return bool(method == "POST" and path == DISCORD)


def _without_stage(path: str, stage: str) -> str:
    prefix = f"/{stage}"
    if stage in ("", "$default") or not (path == prefix or path.startswith(prefix + "/")):
        return path
    return path[len(prefix) :] or "/"


def _from_balancer(headers: dict[str, Any]) -> dict[str, Any]:
    """Headers that say of the caller's address what the load balancer saw: it adds that to what a caller sends."""
    return {
        name: _last(value) if name.lower() == _FORWARDED else value
        for name, value in headers.items()
    }


def _last(addresses: str | list[str]) -> str | list[str]:
    if isinstance(addresses, str):
        return addresses.rpartition(",")[2].strip()
    return [str(_last(address)) for address in addresses[-1:]]


def _passable(headers: dict[str, Any]) -> dict[str, Any]:
    """Without what a client may send, nobody here reads and Mangum would fall over: a host that is none."""
    return {name: value for name, value in headers.items() if _is_passable(name.lower(), value)}


def _is_passable(name: str, value: str | list[str]) -> bool:
    values = [value] if isinstance(value, str) else value
    if name == "host":
        return all(_HOST.fullmatch(each) for each in values)
    return name != "x-forwarded-port" or all(each.isdecimal() for each in values)

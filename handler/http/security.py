"""Who sends a request: the caller that its token, or API Gateway's authorizer, stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from actions.errors import Unauthenticated
from handler import authentication
from handler.dispatch import Caller
from handler.http.request import platform_of, request_log

# The platform answers 401 itself, as JSON and in the surface's own words.
bearer = HTTPBearer(auto_error=False, scheme_name="bearer")


def caller(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """The request's caller. Raises Unauthenticated: nobody is served as nobody."""
    platform = platform_of(request)
    claims = _gateways_claims(request)
    if claims is not None:
        found = authentication.by_claims(claims, platform)
    elif given is None:
        raise Unauthenticated("There is no bearer token.")
    else:
        found = authentication.by_token(given.credentials, platform)
    request_log(request).event_log.name_user(found.user_id)
    return found


Authenticated = Annotated[Caller, Depends(caller)]


def _gateways_claims(request: Request) -> Mapping[str, Any] | None:
    """What API Gateway's own authorizer found in a token, where it is this platform's API Gateway that says so.

    A function URL and a load balancer hand on what a client sends, and know no such authorizer; a Lambda authorizer
    writes other members. An event without an apiId came through no API at all: somebody whom IAM lets invoke the
    function made it, and could name any user directly.
    """
    event = request.scope.get("aws.event")
    if not isinstance(event, Mapping):
        return None
    context = event.get("requestContext") or {}
    if "elb" in context or ".lambda-url." in str(context.get("domainName", "")):
        return None
    if "apiId" in context and context["apiId"] not in platform_of(request).settings.gateways:
        return None
    authorizer = context.get("authorizer")
    if not isinstance(authorizer, Mapping):
        return None
    jwt = authorizer.get("jwt")
    claims = jwt.get("claims") if isinstance(jwt, Mapping) else authorizer.get("claims")
    return claims if isinstance(claims, Mapping) else None

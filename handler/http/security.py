"""Who sends a request: the caller that its token, or API Gateway's authorizer, stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from actions.errors import Forbidden, NoToken
from handler import authentication
from handler.dispatch import Caller
from handler.http.request import platform_of, request_log

# The platform answers 401 itself, as JSON and in the surface's own words.
bearer = HTTPBearer(auto_error=False, scheme_name="bearer")


def anybody(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """The request's caller, a user or a client. Raises Unauthenticated: nobody is served as nobody."""
    platform = platform_of(request)
    context = _context(request)
    claims = _authorizers_claims(context)
    if claims is not None and _is_made_by_hand(context):
        found = authentication.by_hand(claims)
    elif claims is not None and _is_own_gateways(context, platform.settings.gateways):
        found = authentication.by_claims(claims, platform)
    elif given is None:
        raise NoToken
    else:
        found = authentication.by_token(given.credentials, platform)
    return _named(request, found)


async def asking(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """Like anybody: in a thread, if somebody has to be asked about the token, which takes as long as AWS does."""
    request.state.given = given
    if given is not None and _authorizers_claims(_context(request)) is None:
        found = authentication.at_hand(given.credentials, platform_of(request))
        if found is not None:
            return _named(request, found)
    return await run_in_threadpool(anybody, request, given)


def still(request: Request) -> Caller:
    """Who sent a request that goes on, which their token may not any more. Raises Unauthenticated."""
    return anybody(request, request.state.given)


UserOrClient = Annotated[Caller, Depends(asking)]


async def user(found: UserOrClient) -> Caller:
    """The request's caller, who is a user. Raises Unauthenticated, and Forbidden for a client."""
    if found.user_id is None:
        raise Forbidden(
            "This address is for users; a client's token is taken for actions and invocations."
        )
    return found


Authenticated = Annotated[Caller, Depends(user)]


def _named(request: Request, found: Caller) -> Caller:
    """The caller, whom the log names, too."""
    request_log(request).event_log.name_user(found.user_id or f"client:{found.client_id}")
    return found


def _context(request: Request) -> Mapping[str, Any]:
    event = request.scope.get("aws.event")
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    return context if isinstance(context, Mapping) else {}


def _authorizers_claims(context: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The claims in an event, where API Gateway's own authorizers write them. A Lambda authorizer writes others."""
    authorizer = context.get("authorizer")
    if not isinstance(authorizer, Mapping):
        return None
    jwt = authorizer.get("jwt")
    claims = jwt.get("claims") if isinstance(jwt, Mapping) else authorizer.get("claims")
    return claims if isinstance(claims, Mapping) else None


def _is_own_gateways(context: Mapping[str, Any], gateways: frozenset[str]) -> bool:
    """Whether one of the platform's API Gateways wrote the event.

    A function URL and a load balancer hand on what a client sends, and know no such authorizer.
    """
    if "elb" in context or ".lambda-url." in str(context.get("domainName", "")):
        return False
    return context["apiId"] in gateways


def _is_made_by_hand(context: Mapping[str, Any]) -> bool:
    """Whether the event says nothing of where it comes from, as the contract's own sample event.

    Whatever AWS hands on has an id at least. Somebody whom IAM lets invoke the function made this one.
    """
    return {name for name, value in context.items() if value} == {"authorizer"}

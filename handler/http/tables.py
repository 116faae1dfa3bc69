"""Members' tables as visitors see them: what a load balancer sends of hosts `<one label>.<Domain>`.

They are answered beside the web application and without it: whatever it has is at no table's address, and a page
that is somebody's first answer does not wait for FastAPI (docs/architecture.md). Nothing but `POST /_wake` wakes.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

from actions.action import Answer
from actions.errors import Forbidden, InvalidRequest, PlatformError, RateLimited, TableNotFound
from handler import dispatch, failures, telemetry
from handler.http.plain import headers_of, last_of_each
from handler.http.security_headers import (
    CONTENT_SECURITY_POLICY,
    NOTHING_ALLOWED,
    SECURITY_HEADERS,
)
from services import clock, ids
from services.platform import Platform

if TYPE_CHECKING:
    from handler.http.import_words import ImportWords

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_PAGE = "text/html; charset=utf-8"
_FORM_BYTES = 4096
# Where previews of links look, which name no type: what a browser shows as a table's address.
_LINKED = ("/", "/join", "/game")
_ASLEEP_SECONDS, _COMING_SECONDS = 60, 5  # after which to ask again
_LANGUAGES_VARY = "accept, accept-language"


class FromElsewhere(Forbidden):
    """What no page of this very host has sent."""

    def __init__(self) -> None:
        super().__init__(
            "Whatever is done to a table is done from its own page only.",
            suggestion="Open the table's page and do it there.",
        )


@dataclass(frozen=True)
class Asked:
    """A request of a table's host, as far as it matters. Names of headers are in lower case."""

    host: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str

    def header(self, name: str) -> str:
        """A header's value, "" if there is none."""
        return self.headers.get(name, "")

    @property
    def wants_page(self) -> bool:
        """Whether whoever asks shows people a page: browsers say so, and previews of links name no type."""
        if self.method != "GET":
            return False
        accepted = self.header("accept").lower()
        return "text/html" in accepted or (accepted in ("", "*/*") and self.path in _LINKED)


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    body: str = ""
    kind: str = "text/plain; charset=utf-8"
    policy: str = NOTHING_ALLOWED
    headers: Mapping[str, str] | None = None
    is_logged: bool = True


def asked_of(event: Mapping[str, Any], domain: str) -> Asked | None:
    """The request, if the event is a load balancer's and of a host below the domain; else None."""
    if event.get("requestContext", {}).get("elb") is None:
        return None
    headers = headers_of(event)
    host = headers.get("host", "").partition(":")[0].lower()
    if not host.endswith(f".{domain.lower()}"):  # the listener's "*" stands for several labels, too
        return None
    query = last_of_each(event.get("multiValueQueryStringParameters"))
    query |= event.get("queryStringParameters") or {}
    return Asked(
        host,
        event.get("httpMethod", ""),
        event.get("path", "/"),
        query,
        headers,
        _body(event),
    )


def answer(asked: Asked, event: Mapping[str, Any], context: Any, platform: Platform) -> Answer:
    """What the load balancer is to answer: always something that the visitor can read."""
    request_id = getattr(context, "aws_request_id", None) or ids.new_run_id()
    with telemetry.event(request_id) as event_log:
        details = {"method": asked.method[:10], "route": f"table{_route(asked)}"}
        try:
            said = _said(asked, platform, event_log)
        except Exception as error:
            failure = failures.kind_of(error)
            event_log.failed(error, failure, details | {"status": failure.http_status})
            said = _failed(asked, error, failure.http_status, request_id)
        else:
            if said.is_logged:
                event_log.succeeded(details | {"status": said.status})
    return _for_balancer(said, asked, request_id, "multiValueHeaders" in event)


def _route(asked: Asked) -> str:
    return asked.path if asked.path in _ROUTES else "/"


def _said(asked: Asked, platform: Platform, event_log: telemetry.EventLog) -> Said:
    if asked.path.startswith("/_table/"):
        return Said(HTTPStatus.NOT_FOUND, "There is nothing at this address.\n", is_logged=False)
    if (routes := _ROUTES.get(asked.path)) is not None:
        route = routes.get(asked.method)
        if route is None:
            allowed = {"allow": ", ".join(sorted(routes))}
            return Said(HTTPStatus.METHOD_NOT_ALLOWED, headers=allowed, is_logged=False)
        return route(asked, platform, event_log)
    if asked.wants_page:
        return _page(asked, platform, event_log)
    return Said(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "This table is asleep.\n",
        headers={"retry-after": str(_ASLEEP_SECONDS)},
        is_logged=False,
    )


def _page(asked: Asked, platform: Platform, event_log: telemetry.EventLog) -> Said:
    table = _dispatched("table-page", asked, platform, event_log)
    return _shown(asked, table, HTTPStatus.SERVICE_UNAVAILABLE)


def _state(asked: Asked, platform: Platform, event_log: telemetry.EventLog) -> Said:
    state = _dispatched("table-state", asked, platform, event_log)
    body = json.dumps({name: value for name, value in state.items() if name != "success"})
    return Said(HTTPStatus.OK, body, _JSON, is_logged=False)


def _to_page(asked: Asked, platform: Platform, event_log: telemetry.EventLog) -> Said:
    return Said(HTTPStatus.SEE_OTHER, headers={"location": "/"}, is_logged=False)


def _wake(asked: Asked, platform: Platform, event_log: telemetry.EventLog) -> Said:
    """Wake the table, and show its page; with the reason where it was refused."""
    try:
        fields = _form(asked)
        _dispatched("wake-table", asked, platform, event_log, **fields)
    except TableNotFound:
        raise
    except PlatformError as refused:
        failure = failures.kind_of(refused)
        event_log.failed(refused, failure, {"route": "table/_wake", "status": failure.http_status})
        return _refused(asked, platform, refused, failure.http_status)
    return Said(HTTPStatus.SEE_OTHER, headers={"location": "/"})


def _refused(asked: Asked, platform: Platform, refused: PlatformError, status: int) -> Said:
    from actions.tables.table_page import in_words

    table = dispatch.run("table-page", {"host": asked.host}, dispatch.Caller(), platform)
    said = _shown(asked, table, status, in_words(refused))
    wait = {"retry-after": str(refused.retry_after)} if isinstance(refused, RateLimited) else {}
    return Said(said.status, said.body, said.kind, said.policy, wait, is_logged=False)


def _import_page(asked: Asked, platform: Platform, event_log: telemetry.EventLog) -> Said:
    from handler.http.import_page import import_page

    page, policy = import_page(_import_words(asked), asked.host, platform.uploads.origin)
    return Said(HTTPStatus.OK, page, _PAGE, policy)


def _import(asked: Asked, platform: Platform, event_log: telemetry.EventLog) -> Said:
    """Carry out what that page's script asks for: an import and nothing else, as the member whose ticket it has."""
    from actions.saves.tickets import member_of

    try:
        fields = _import_fields(asked)
        user = member_of(platform, asked.host, str(fields.pop("ticket", "")))
        action = "confirm-import" if "importId" in fields else "begin-import"
        event_log.name_action(action, user)
        caller = dispatch.Caller(user_id=user)
        answer = dispatch.run(action, fields | {"userId": user}, caller, platform)
    except PlatformError as refused:
        failure = failures.kind_of(refused)
        details = {"route": "table/_import", "status": failure.http_status}
        event_log.failed(refused, failure, details)
        return _import_refused(asked, refused, failure.http_status)
    return Said(HTTPStatus.OK, json.dumps(answer), _JSON)


def _import_fields(asked: Asked) -> dict[str, Any]:
    """What that page's script has sent. Raises FromElsewhere, InvalidRequest."""
    if not _is_from_own_page(asked):
        raise FromElsewhere
    if asked.header("content-type").partition(";")[0].strip().lower() != _JSON:
        raise InvalidRequest("This is not what the page sends.", field="body")
    try:
        if len(asked.body) > _FORM_BYTES:
            raise ValueError
        sent = json.loads(asked.body)
    except (ValueError, RecursionError):
        raise InvalidRequest("This is not what the page sends.", field="body") from None
    if not isinstance(sent, dict):
        raise InvalidRequest("This is not what the page sends.", field="body")
    return sent


def _import_refused(asked: Asked, refused: PlatformError, status: int) -> Said:
    words = _import_words(asked)
    own = f"{refused.message} {refused.details.get('suggestion', '')}".strip()
    other = f"{words.other_refusal} {own}".strip()
    is_odd = isinstance(refused, InvalidRequest) and refused.details.get("field") != "bytes"
    known = None if is_odd else words.refusals.get(type(refused).__name__)
    said = {"error": known or other}
    return Said(status, json.dumps(said), _JSON, is_logged=False)


def _import_words(asked: Asked) -> ImportWords:
    from handler.http.import_words import WORDS
    from handler.http.table_words import words_for

    return WORDS[words_for(asked.header("accept-language")).language]


def _form(asked: Asked) -> dict[str, str]:
    """The fields of the page's own form. Raises FromElsewhere, InvalidRequest."""
    if not _is_from_own_page(asked):
        raise FromElsewhere
    if asked.header("content-type").partition(";")[0].strip().lower() != _FORM:
        raise InvalidRequest("This is not the page's form.", field="body")
    try:
        if len(asked.body) > _FORM_BYTES:
            raise ValueError
        fields = parse_qs(asked.body, keep_blank_values=True, max_num_fields=10)
    except ValueError:
        raise InvalidRequest("This is not the page's form.", field="body") from None
    return {name: fields[name][-1] for name in ("nonce", "code") if name in fields}


def _is_from_own_page(asked: Asked) -> bool:
    """Whether the browser says that a page of this host sends the form; one that does not say so is not believed.

    The port is left out: the load balancer alone decides which there are.
    """
    if asked.header("sec-fetch-site") not in ("", "same-origin"):
        return False
    try:
        origin = urlsplit(asked.header("origin"))
        return origin.scheme in ("https", "http") and origin.hostname == asked.host
    except ValueError:
        return False


def _dispatched(
    action: str, asked: Asked, platform: Platform, event_log: telemetry.EventLog, **fields: str
) -> Answer:
    event_log.name_action(action, None)
    payload = {"host": asked.host, "callerAddress": asked.header("x-forwarded-for") or None}
    return dispatch.run(action, fields | payload, dispatch.Caller(), platform)


def _shown(asked: Asked, table: Answer, status: int, refused: Any = None) -> Said:
    from handler.http.table_pages import POLICY, table_page
    from handler.http.table_words import words_for

    words = words_for(asked.header("accept-language"))
    code = unquote_plus(asked.query.get("code", ""))[:100]
    page = table_page(words, table, clock.now(), code=code, refused=refused)
    seconds = _ASLEEP_SECONDS if table["phase"] == "asleep" else _COMING_SECONDS
    headers = {"retry-after": str(seconds)}
    return Said(status, page, _PAGE, POLICY, headers)


def _failed(asked: Asked, error: Exception, status: int, request_id: str) -> Said:
    """The answer to what went wrong: a page for people, JSON for the page's script."""
    wait = {} if status == HTTPStatus.NOT_FOUND else {"retry-after": str(_ASLEEP_SECONDS)}
    if asked.path == "/_state":
        body = json.dumps({"error": HTTPStatus(status).phrase, "requestId": request_id})
        return Said(status, body, _JSON, headers=wait)
    if (asked.path, asked.method) == ("/_import", "POST"):
        body = json.dumps({"error": _import_words(asked).trouble.format(request_id)})
        return Said(status, body, _JSON, headers=wait)
    from handler.http.table_pages import POLICY, simple_page
    from handler.http.table_words import words_for

    words = words_for(asked.header("accept-language"))
    if isinstance(error, TableNotFound):
        page = simple_page(words, words.nothing_here, words.nothing_here_hint)
    else:
        page = simple_page(words, words.trouble, words.trouble_hint.format(request_id))
    return Said(status, page, _PAGE, POLICY, wait)


def _for_balancer(said: Said, asked: Asked, request_id: str, is_multi_value: bool) -> Answer:
    headers = {
        **SECURITY_HEADERS,
        # With "no-referrer" browsers would send the form with "Origin: null" (Fetch, 3.1, Origin header).
        "referrer-policy": "same-origin",
        CONTENT_SECURITY_POLICY: said.policy,
        "x-robots-tag": "noindex, nofollow",
        "x-request-id": request_id,
        "vary": _LANGUAGES_VARY,
        "content-type": said.kind,
        **(said.headers or {}),
    }
    form: Answer = {"headers": headers}
    if is_multi_value:
        form = {"multiValueHeaders": {name: [value] for name, value in headers.items()}}
    return {
        "statusCode": int(said.status),
        "statusDescription": f"{int(said.status)} {HTTPStatus(said.status).phrase}",
        "body": "" if asked.method == "HEAD" else said.body,
        "isBase64Encoded": False,
        **form,
    }


def _body(event: Mapping[str, Any]) -> str:
    """The body as text; what is none of UTF-8 is not the page's form."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return b64decode(body).decode("utf-8", errors="replace")
    return str(body)


_ROUTES = {
    "/_state": {"GET": _state, "HEAD": _state},
    "/_wake": {"POST": _wake, "GET": _to_page, "HEAD": _to_page},
    "/_import": {"POST": _import, "GET": _import_page, "HEAD": _import_page},
}

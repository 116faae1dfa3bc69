"""The description of all routes, for programs (/openapi.json) and for people (/docs).

Open to everybody or not by setting (`DOCS_PUBLIC`). The page needs nothing from anywhere else, so that it may have
the strictest content policy.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials
from starlette.requests import Request
from starlette.responses import HTMLResponse

from handler.http.openapi import described, document
from handler.http.request import Json, platform_of
from handler.http.security import anybody, bearer
from handler.http.surface import Surface

router = APIRouter()
SURFACE = Surface(router)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52em;margin:2em auto;padding:0 1em;color:#222}"
    "h2{font-size:1.05em;margin:2em 0 .2em}code,pre{background:#f3f1ec;border-radius:4px}"
    "code{padding:.1em .3em}pre{padding:.8em;overflow:auto}p{margin:.2em 0}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"
)


def reader(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> None:
    """Let everybody read, or only who has a token. Raises Unauthenticated."""
    if not platform_of(request).settings.docs_public:
        anybody(request, given)


Reader = Depends(reader)


@router.get(
    "/openapi.json", dependencies=[Reader], openapi_extra=described({"type": "object"}, None, 401)
)
def openapi(request: Request) -> Json:
    """This description."""
    return Json(_document(request))


@router.get(
    "/docs",
    dependencies=[Reader],
    response_class=HTMLResponse,
    openapi_extra={"responses": {"401": described({}, None, 401)["responses"]["401"]}},
)
def docs(request: Request) -> HTMLResponse:
    """This description as a page."""
    page = _page(_document(request))
    return HTMLResponse(page, headers={"content-security-policy": _CONTENT_SECURITY_POLICY})


def _document(request: Request) -> dict[str, Any]:
    """Made when first asked for: it loads every action."""
    state = request.app.state
    if not hasattr(state, "document"):
        state.document = document(request.app, platform_of(request))
    made: dict[str, Any] = state.document
    return made


def _page(made: dict[str, Any]) -> str:
    sections = "".join(
        _section(method, path, operation)
        for path, operations in made["paths"].items()
        for method, operation in operations.items()
    )
    title, about = escape(made["info"]["title"]), escape(made["info"]["description"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{about}</p>"
        f'<p>For programs: <a href="openapi.json">openapi.json</a></p>{sections}</body></html>'
    )


def _section(method: str, path: str, operation: dict[str, Any]) -> str:
    who = "with a token" if operation.get("security") else "for everybody"
    named = [f"<code>{escape(p['name'])}</code>" for p in operation.get("parameters", ())]
    parameters = f"<p>Parameters: {', '.join(named)}</p>" if named else ""
    contents = [operation.get("requestBody", {}).get("content", {})]
    contents.append(operation["responses"].get("200", {}).get("content", {}))
    examples = "".join(_example(content) for content in contents)
    return (
        f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation.get('summary', ''))} ({who})</p>{parameters}{examples}"
    )


def _example(content: dict[str, Any]) -> str:
    examples = [part["example"] for part in content.values() if "example" in part]
    texts = (e if isinstance(e, str) else json.dumps(e, indent=2) for e in examples)
    return "".join(f"<pre>{escape(text)}</pre>" for text in texts)

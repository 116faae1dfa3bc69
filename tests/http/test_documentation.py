"""docs/http.md: its examples are asked, its tables compared with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mangum import Mangum

from handler.app import platform
from handler.failures import _KINDS
from handler.http.application import build
from tests.http.issuing import own
from tests.http.shapes import Asked, ask, v2
from tests.world import Context

PAGE = Path("docs/http.md").read_text()
EXAMPLES = re.findall(
    r"```http\n(\w+) ([^\s?]+)(?:\?(\S+))?\n(?:(\{.+)\n)?```\n\n```json\n([\s\S]+?)```", PAGE
)


def test_there_are_examples():
    assert len(EXAMPLES) == PAGE.count("```http")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[1])
def test_an_example_gets_the_answer_that_is_shown(http, bedrock, example):
    method, path, query, body, shown = example
    body = json.loads(body) if body else None
    answer = ask(method, path, body, token=own("ada"), query=query or "").json
    contains(answer, json.loads(shown))


def contains(whole, part):
    """`whole` has all that `part` has, and may have more."""
    for name, value in part.items():
        if isinstance(value, dict):
            contains(whole[name], value)
        else:
            assert whole[name] == value, name


def test_every_route_is_in_the_table(http, monkeypatch):
    listed = set(re.findall(r"^\| `([A-Z]+ \S+)` \|", PAGE, re.M))
    made = ask("GET", "/openapi.json", token=own("ada")).json["paths"]
    routes = {
        f"{method.upper()} {re.sub(r'^/v1/actions/.*', '/v1/actions/{action}', path)}"
        for path, operations in made.items()
        for method in operations
    }
    assert listed == routes, (
        f"the table of docs/http.md lacks {sorted(routes - listed)}, has in vain {sorted(listed - routes)}"
    )


def test_every_code_of_a_failure_is_in_the_table_with_its_status():
    for _, failure in _KINDS:
        assert re.search(rf"^\| {failure.http_status} \| {failure.code}", PAGE, re.M), failure


def test_the_endpoint_of_the_page_can_be_added_as_it_says(http):
    code = re.findall(r"```python\n(@router.+?)```", PAGE, re.DOTALL)[0]
    source = Path("handler/http/mock_data.py").read_text()
    names = source[: source.index("router = ")] + (
        "\nfrom handler.http.dispatching import dispatch_action\n"
    )
    scope: dict[str, Any] = {}
    exec(names + "router = APIRouter()\n" + code.replace("my-action", "readiness"), scope)  # noqa: S102
    app = build(platform())
    app.router.routes.extend(scope["router"].routes)
    mangum: Any = Mangum(app, lifespan="off")

    def get(**headers):
        return mangum(v2(Asked("GET", "/my-endpoint", headers=headers)), Context())

    assert get()["statusCode"] == 401
    answer = get(authorization=f"Bearer {own('ada')}")
    assert json.loads(answer["body"])["ready"] is True

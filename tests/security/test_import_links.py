"""What somebody could try with a table's import page, by tickets that are none and by one that is."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

import handler.http.application  # noqa: F401 - what it imports does not load while time stands still
from actions import ACTIONS
from actions.saves.tickets import SECONDS
from tests import proof, world
from tests.http.shapes import ask
from tests.tables.visiting import submit, visit
from tests.world import DOMAIN, sample

pytestmark = pytest.mark.slow

ADA, EVE = sample("create-instance")["userId"], "300000000000000003"
HERS, EVES = f"ada.{DOMAIN}", f"eve.{DOMAIN}"
IMPORTS: tuple[dict[str, Any], ...] = (
    {"bytes": 1000},
    {"bytes": 1000, "startOver": True},
    {"importId": "3f6b1c0d9a72"},
)
FROM_ELSEWHERE: list[dict[str, str]] = [
    {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
    {"origin": f"https://{EVES}", "sec_fetch_site": "same-site"},
    {"origin": f"https://{HERS}.evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "none"},
    {"content_type": "text/plain"},
    {"content_type": "application/x-www-form-urlencoded"},
    {"content_type": "multipart/form-data"},
]


def record(what, attempts):
    proof.record(
        "Attempts against the platform", f"{what}: {attempts:,} attempts, 0 successes", attempts
    )


def everything():
    return {table: world.items(table) for table in world.TABLES}


@pytest.fixture
def hers(http, invoke, freezer):
    """Ada's ticket. Eve has a server, too."""
    invoke(sample("create-instance"))
    invoke(sample("create-instance", userId=EVE, username="Eve"))
    return ticket(invoke, ADA)


def ticket(invoke, user):
    return invoke("import-link", userId=user)["url"].partition("#")[2]


def post(fields, host=HERS, **headers):
    """Send to the import page of a host; the status."""
    sent: dict[str, Any] = {"origin": f"https://{host}", "sec_fetch_site": "same-origin"}
    sent |= {"content_type": "application/json"} | headers
    return visit("/_import", "POST", host=host, body=json.dumps(fields).encode(), **sent).status


def made_up(good, another):
    """What is near a ticket, or put together of two."""
    until, signature = good.split(".")
    yield from ("", ".", until, signature, f"{until}.", f".{signature}", f"{good}.{signature}")
    yield from (f"{int(until) + 1}.{signature}", f"{int(until) - 1}.{signature}", f"0{good}")
    yield from (f"9999999999.{signature}", f"-1.{signature}", f"{until}.{signature[::-1]}")
    yield from (
        f"{until}.{'A' * 43}",
        good[:-1],
        f"{good}=",
        f" {good}",
        f"{good}\n",
        good.swapcase(),
    )
    yield from ("\u0661" * 10 + f".{signature}", another, f"{until}.{another.split('.')[1]}")


def test_no_ticket_imports_that_is_made_up_late_or_anothers(hers, invoke, ecs, freezer):
    """Nor one of a server that is gone, though its member has another one at the same address."""
    before, attempts = everything(), 0
    for tried, fields in itertools.product(made_up(hers, ticket(invoke, EVE)), IMPORTS):
        attempts += 1
        assert post({"ticket": tried, **fields}) == 403, tried
    for fields in IMPORTS:
        attempts += 2
        assert post({"ticket": hers, **fields}, EVES) == 403
        assert post({"ticket": hers, **fields}, f"nobody.{DOMAIN}") == 403
    assert everything() == before
    freezer.tick(SECONDS)
    assert post({"ticket": hers, "bytes": 1000}) == 403
    former = ticket(invoke, ADA)
    invoke("destroy-instance", userId=ADA)
    for task in ecs.tasks():
        ecs.ends(task)
    assert post({"ticket": former, "bytes": 1000}) == 403
    invoke(sample("create-instance"))
    before = everything()
    assert post({"ticket": former, "bytes": 1000}) == 403
    assert everything() == before
    assert post({"ticket": ticket(invoke, ADA), "bytes": 1000}) == 200
    record(
        "importing by a ticket that is made up, late, another's or of a server gone", attempts + 3
    )


def test_no_page_but_the_tables_own_imports_and_no_address_does(hers):
    before, attempts = everything(), 0
    for headers, fields in itertools.product(FROM_ELSEWHERE, IMPORTS):
        attempts += 1
        assert post({"ticket": hers, **fields}, **headers) in (400, 403), headers
    for method in ("GET", "HEAD"):
        attempts += 1
        assert visit("/_import", method, query=f"ticket={hers}&bytes=1000").status == 200
    for path in ("/", "/_wake", "/_state", "/_import/", "//_import"):
        attempts += 1
        body = json.dumps({"ticket": hers, "bytes": 1000}).encode()
        visit(path, "POST", body=body, origin=f"https://{HERS}", content_type="application/json")
    assert everything() == before
    record("importing from another page, by GET, or at another address", attempts)


def test_a_ticket_is_good_for_imports_alone(hers, ecs):
    """It is no token, code or nonce, and whatever else is sent with it names no action and no member."""
    before, attempts = everything(), 0
    for name in ACTIONS:
        fields = {"action": name, "name": name, "userId": EVE, "user_id": EVE, "host": EVES}
        assert post({"ticket": hers, **fields}) == 400, "what begin-import needs is missing"
        assert ask("POST", f"/v1/actions/{name}", {"userId": ADA, "ticket": hers}).status in (
            401,
            404,
        )
        assert ask("POST", "/", {"action": name, "userId": ADA}, token=hers).status == 401
        attempts += 3
    for form in ({"nonce": hers, "code": hers}, {"nonce": hers.partition(".")[2], "code": hers}):
        attempts += 1
        assert submit(form).status == 403
    assert everything() == before
    assert ecs.tasks() == []
    assert post({"ticket": hers, "bytes": 1000, "userId": EVE, "host": EVES}) == 200
    uploading = [item["userId"] for item in world.items("instances") if "upload" in item]
    assert uploading == [ADA]
    record("doing anything else with an import link's ticket", attempts)

"""The pages of tables in a browser, as a phone and a desk show them: looked at, woken, followed into the world.

With SCREENSHOTS, each page is kept there as a picture (`make screenshots`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from local import demo
from local.embedded import client
from local.invoke import invoke
from local.stack import STACK
from tests.end_to_end.browsing import NEEDS_CHROMIUM, PATIENCE, SIZES, browser, looks_right
from tests.end_to_end.running import Run, running
from tests.end_to_end.table import ADMIN_KEY, Table

__all__ = ["browser"]
pytestmark = [pytest.mark.embedded, NEEDS_CHROMIUM]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A `make run` in which each phase of a start can be looked at."""
    with running(PLAYED_IMAGE_SECONDS="5", PLAYED_FOUNDRY_SECONDS="7") as started:
        yield started


@pytest.fixture(scope="module")
def played(run: Run) -> Table:
    """A table at rest that has been played at: its licence is signed, and its world is opened at each start."""
    made = table(run, "evening", 100)
    made.ask("start-instance")
    made.comes_to("signature")
    made.post("/license", adminPassword=ADMIN_KEY, agree="yes")
    made.comes_to("setup")
    made.post("/setup", action="createWorld", title="The Long Night")
    made.post("/setup", action="launchWorld", world="the-long-night")
    made.comes_to("ready")
    made.sleep()
    made.ask("set-world", world="the-long-night")
    return made


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, size: str) -> Iterator[Page]:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-GB", is_mobile=size == "phone"
    )
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def table(run: Run, name: str, number: int) -> Table:
    """A table at rest on a licence of its own."""
    made = Table(run, name)
    made.make(number)
    return made


def link(made: Table) -> str:
    """The owner's link, at the address where this machine has it."""
    return f"http://{made.name}.localhost:{made.run.http_port}{made.way_in()}"


@contextmanager
def everything_lent(run: Run) -> Iterator[None]:
    """Somebody has leased each licence of the pool that nobody has."""
    dynamodb, name = client("dynamodb", run.port), f"{STACK}-licenses"
    free = [
        item["licenseId"]
        for item in dynamodb.scan(TableName=name)["Items"]
        if "pool" in item and "holder" not in item
    ]
    lease = {
        "holder": {"S": "a-lease"},
        "holderUserId": {"S": "somebody"},
        "leaseUntil": {"N": str(int(time.time()) + 900)},
    }
    for key in free:
        updates = {field: {"Action": "PUT", "Value": value} for field, value in lease.items()}
        dynamodb.update_item(TableName=name, Key={"licenseId": key}, AttributeUpdates=updates)
    try:
        yield
    finally:
        gone = {field: {"Action": "DELETE"} for field in lease}
        for key in free:
            dynamodb.update_item(TableName=name, Key={"licenseId": key}, AttributeUpdates=gone)


def test_who_has_the_link_wakes_the_table_and_is_led_into_the_world(played, page, size):
    made = played
    page.goto(link(made))
    expect(page.get_by_role("heading", level=1)).to_have_text(made.name)
    expect(page.get_by_role("status")).to_have_text("This table is asleep.")
    looks_right(page, "asleep", size)
    page.get_by_role("button", name="Wake the table").focus()
    page.keyboard.press("Enter")
    seen: set[str] = set()
    give_up = time.monotonic() + PATIENCE / 1000
    while not page.url.endswith("/join"):
        assert time.monotonic() < give_up, seen
        now = page.locator("li[aria-current]")
        phase = now.get_attribute("data-phase") if now.count() else None
        if phase and phase not in seen:
            seen.add(phase)
            if phase in ("machine", "image"):  # afterwards it may be on its way to another page
                looks_right(page, phase, size)
        page.wait_for_timeout(300)
    assert {"image", "foundry"} <= seen, seen
    expect(page.get_by_role("heading", level=1)).to_contain_text("The Long Night")
    made.sleep()


def test_who_has_a_wrong_code_is_told_so(run, page, size):
    made = table(run, f"wrong{size}", 110 + len(size))
    page.goto(link(made).replace("?code=", "?not="))
    page.get_by_label("Code of the table").fill("aaaa-bbbb-cccc-dddd")
    page.get_by_role("button", name="Wake the table").click()
    expect(page.get_by_text("code").first).to_be_visible()
    assert made.ask("status")["status"] == "created"
    looks_right(page, "wrong-code", size)


def test_a_table_whose_licence_plays_elsewhere_says_until_when(run, page, size):
    made = Table(run, f"borrows{size}")
    made.ask("create-instance", username=made.name, licenseType="pooled", foundryAdminKey=ADMIN_KEY)
    with everything_lent(run):
        page.goto(link(made))
        expect(page.get_by_role("heading", name="It cannot be woken now")).to_be_visible()
        expect(page.get_by_role("button", name="Wake the table")).to_have_count(0)
        looks_right(page, "licence-taken", size)


def test_a_table_whose_budget_is_spent_shows_the_way_to_donate(run, page, size):
    made = table(run, f"spent{size}", 130 + len(size))
    client("dynamodb", run.port).update_item(
        TableName=f"{STACK}-ledger",
        Key={"account": {"S": made.name}, "entry": {"S": time.strftime("%Y-%m", time.gmtime())}},
        AttributeUpdates={
            name: {"Action": "PUT", "Value": {"N": figure}}
            for name, figure in {
                "cost": "99.5",
                "donated": "0",
                "seconds": "1",
                "runs": "1",
            }.items()
        },
    )
    page.goto(link(made))
    expect(page.get_by_role("link", name=re.compile("ko-fi"))).to_be_visible()
    expect(page.get_by_role("button", name="Wake the table")).to_have_count(0)
    looks_right(page, "budget-spent", size)


def test_a_table_under_maintenance_says_so(run, page, size):
    made = table(run, f"maintained{size}", 140 + len(size))
    order = {"action": "admin-system-maintenance", "userId": demo.ADMIN, "enabled": True}
    assert invoke(order, run.port)["success"]
    try:
        page.goto(link(made))
        expect(page.get_by_text(re.compile("maintain|maintenance")).first).to_be_visible()
        expect(page.get_by_role("button", name="Wake the table")).to_have_count(0)
        looks_right(page, "maintenance", size)
    finally:
        assert invoke(order | {"enabled": False}, run.port)["success"]


def test_a_table_that_wants_a_signature_leads_its_administrator_there(run, page, size):
    made = table(run, f"unsigned{size}", 150 + len(size))
    page.goto(link(made))
    page.get_by_role("button", name="Wake the table").click()
    wanted = re.compile("wants its licence agreement signed")
    expect(page.get_by_role("status")).to_have_text(wanted, timeout=PATIENCE)
    looks_right(page, "signature", size)
    page.get_by_role("link", name="Go in").click()
    page.wait_for_url("**/license")
    made.sleep()


@pytest.mark.parametrize("size", ["phone"], indirect=True)
def test_a_table_that_ran_out_of_memory_comes_again_with_more(played, page, size):
    played.ask("start-instance")
    played.comes_to("ready")
    played.goes_wrong("out-of-memory")
    played.until(lambda: played.ask("status")["status"] == "starting")
    page.goto(link(played))
    expect(page.get_by_role("heading", name="How far it is")).to_be_visible()
    looks_right(page, "again", size)
    page.wait_for_url(re.compile("/(auth|setup)$"))  # its world was not closed
    played.goes_wrong("")
    played.sleep()

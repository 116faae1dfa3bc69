"""An evening in the community's Discord server: members and an administrator at the page of `make run`.

With SCREENSHOTS, what they see is kept there as pictures (`make screenshots`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local import demo, demo_discord
from local.invoke import invoke
from tests.end_to_end.browsing import NEEDS_CHROMIUM, PATIENCE, SIZES, browser, looks_right
from tests.end_to_end.running import Run

__all__ = ["browser"]
pytestmark = [pytest.mark.embedded, NEEDS_CHROMIUM]
TITLE = "The *Sunken* Keep <img src=x> <t:1:R> https://example.com"
ADA, BJORN = demo.ADMIN, "100000000000000002"


@dataclass
class Window:
    """Somebody's."""

    page: Page

    def goes_to(self, place: str) -> None:
        """They look at a channel, or at what was said to them."""
        self.page.get_by_role("navigation").get_by_role("button", name=place).click()
        expect(self.page.get_by_role("heading", level=2)).to_contain_text(place)

    def chooses(self, command: str) -> None:
        """They type a command's name, as far as it takes, and choose it."""
        line = self.page.get_by_role("combobox", name="Command")
        line.fill(f"/{command}")
        expect(self.offered().first.locator("b")).to_have_text(f"/{command}")
        line.press("Enter")
        expect(self.page.locator("#chosen code")).to_have_text(f"/{command}")

    def offered(self, what: str = "Commands") -> Locator:
        """What there is to choose from, while something is typed."""
        return self.page.get_by_role("listbox", name=what).get_by_role("option")

    def sends(self, command: str, **options: str) -> Locator:
        """They send a command; its answer, once it is no more thinking."""
        self.chooses(command)
        for name, text in options.items():
            field = self.page.get_by_label(re.compile(rf"^{name}( |$)"))
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(label=text)
            else:
                field.fill(text)
        before = self.answers.count()
        self.page.get_by_role("button", name="Send").click()
        expect(self.answers).to_have_count(before + 1)
        return self.answered()

    @property
    def answers(self) -> Locator:
        """What only they see."""
        return self.page.locator("article", has_text="Only you can see this")

    def answered(self) -> Locator:
        """The newest of it, once it is no more thinking."""
        newest = self.answers.last
        expect(newest.locator(".thinking")).to_have_count(0)
        return newest

    @property
    def panel(self) -> Locator:
        """Ada's."""
        return self.page.locator("article", has=self.page.get_by_role("heading", name="Ada"))


@contextmanager
def window(
    run: Run, browser: Browser, who: str, size: str = "desk", **more: Any
) -> Iterator[Window]:
    """Somebody in Berlin opens the page."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="en-GB",
        timezone_id="Europe/Berlin",
        is_mobile=size == "phone",
        **more,
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"http://{demo_discord.HOST}:{run.discord_port}/")
    page.get_by_label("You are").select_option(value=who)
    yield Window(page)
    assert not said, said
    context.close()


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """What is expected has the time that a table takes to wake."""
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def rests(run: Run) -> None:
    """Ada's table, which `make run` has woken, rests."""
    status: dict[str, Any] = {}
    give_up = time.monotonic() + PATIENCE / 1000
    invoke({"action": "stop-instance", "userId": ADA}, run.port)
    while status.get("status") != "stopped":
        assert time.monotonic() < give_up, status
        time.sleep(0.5)
        status = invoke({"action": "status", "userId": ADA}, run.port)


@pytest.mark.usefixtures("rests")
def test_an_evening(run: Run, browser: Browser) -> None:
    with window(run, browser, ADA) as ada, window(run, browser, BJORN) as bjorn:
        expect(ada.sends("server status")).to_contain_text("Stopped")
        books_in_her_own_time(ada)
        looks_right(ada.page, "discord-session", "desk")

        ada.goes_to("tables")
        bjorn.goes_to("tables")
        expect(ada.panel).to_contain_text("Asleep")
        expect(ada.panel).to_contain_text("20:00")  # her session
        ada.panel.get_by_role("button", name="Wake").click()
        # Whatever else is said: that its files of before are being saved first, for one.
        expect(ada.answered()).to_contain_text(re.compile("start", re.IGNORECASE))
        expect(ada.panel).to_contain_text("Starting since")
        with ada.page.context.expect_page() as opened:  # as who waits for their table does
            ada.answered().get_by_role("link", name="https://ada.foundry.test").click()
        opened.value.wait_for_url(f"http://ada.localhost:{run.http_port}/**")
        expect(bjorn.panel).to_contain_text("Open, since")  # by itself
        expect(ada.panel).to_contain_text("Open, since")
        expect(bjorn.answers).to_have_count(0)
        link = ada.panel.get_by_role("link", name="https://ada.foundry.test")
        expect(link).to_have_attribute("href", f"http://ada.localhost:{run.http_port}/")
        looks_right(ada.page, "discord-panel", "desk")

        bjorn.panel.get_by_role("button", name="Stop").click()
        expect(bjorn.answered()).to_contain_text("Only its owner and its crew may do that.")
        expect(ada.sends("server crew-add", who="@Björn the Bold")).to_contain_text(
            "wake the table"
        )
        bjorn.panel.get_by_role("button", name="Stop").click()
        expect(bjorn.answers).to_have_count(2)
        expect(bjorn.answered()).to_contain_text(re.compile("stop", re.IGNORECASE))
        expect(ada.panel).to_contain_text("Asleep")
        expect(ada.panel.get_by_role("button", name="Wake")).to_be_visible()

    with window(run, browser, demo_discord.BOSS) as boss:
        overview = boss.sends("admin overview")
        expect(overview).to_contain_text("Servers: 4")
        looks_right(boss.page, "discord-overview", "desk")


def books_in_her_own_time(ada: Window) -> None:
    """By what is offered while she types, and as people write times."""
    ada.chooses("session time-zone")
    ada.page.get_by_label(re.compile("^time-zone")).press_sequentially("berlin")
    ada.offered("Choices for time-zone").filter(has_text="Europe/Berlin").click()
    ada.page.get_by_role("button", name="Send").click()
    expect(ada.answers).to_have_count(2)
    expect(ada.answered()).to_contain_text("Europe/Berlin")
    booked = ada.sends("session book", when="tomorrow 20:00", minutes="180", title=TITLE)
    expect(booked.locator("time").nth(1)).to_contain_text("20:00")
    listed = ada.sends("session list")
    expect(listed.locator("strong")).to_have_text(TITLE)  # as she has written it
    expect(listed.locator("img")).to_have_count(0)


def test_commands_are_found_while_they_are_typed_on_a_phone_and_in_the_dark(
    run: Run, browser: Browser
) -> None:
    with window(run, browser, "100000000000000004", "phone", color_scheme="dark") as cleo:
        line = cleo.page.get_by_role("combobox", name="Command")
        line.press_sequentially("/ser")
        expect(cleo.offered().first).to_contain_text("/server")
        expect(cleo.page.get_by_text("/admin")).to_have_count(0)
        looks_right(cleo.page, "discord-commands", "phone")
        line.press("ArrowDown")
        line.press("Escape")
        expect(cleo.offered()).to_have_count(0)
        cleo.sends("saves list")
        looks_right(cleo.page, "discord-answer", "phone")


def test_a_form_is_filled_in_and_a_red_button_is_pressed_by_keyboard(
    run: Run, browser: Browser
) -> None:
    with window(run, browser, "100000000000000004") as cleo:
        cleo.chooses("server credentials")
        cleo.page.keyboard.press("Enter")
        form = cleo.page.get_by_role("dialog")
        expect(form.get_by_role("heading")).to_be_visible()
        looks_right(cleo.page, "discord-form", "desk")
        cleo.page.keyboard.press("Escape")
        expect(form).to_have_count(0)
        cleo.chooses("server destroy")
        cleo.page.keyboard.press("Enter")
        expect(cleo.answered()).to_contain_text("Are you sure?")
        looks_right(cleo.page, "discord-sure", "desk")
        cleo.page.get_by_role("button", name="Dismiss message").last.focus()
        cleo.page.keyboard.press("Enter")
        expect(cleo.answers.filter(has_text="Are you sure?")).to_have_count(0)
        cleo.goes_to("Messages to you")
        expect(cleo.page.get_by_role("combobox", name="Command")).to_be_disabled()

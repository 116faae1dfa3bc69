"""An archive comes in by a table's import page: from the link, in Chromium, into a real directory.

With SCREENSHOTS, each page is kept there as a picture (`make screenshots`).
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.end_to_end.browsing import NEEDS_CHROMIUM, PATIENCE, SIZES, browser, looks_right
from tests.end_to_end.files import QUICK, WITH_TOOLS
from tests.end_to_end.running import Run, running
from tests.end_to_end.table import Table
from tests.end_to_end.test_an_evening_in_discord import window

__all__ = ["browser"]
pytestmark = [pytest.mark.embedded, NEEDS_CHROMIUM, WITH_TOOLS]
HOST = re.compile(r"^https://([^./]+)\.foundry\.test")
CLEO = "100000000000000004"  # of the demo community
PART = re.compile(r"partNumber=(\d+)")
MOST = re.compile(r"^0\.8")  # of two parts the first is there
TITLE = "The Keep <img src=x onerror=document.title='taken'>"
MANIFEST = {"id": "keep", "title": TITLE, "system": "dnd5e", "coreVersion": "13.351"}


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with running(**QUICK) as started:
        yield started


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """What is expected has the time that a task takes."""
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with a map that no packing makes smaller: two parts."""
    return packed(tmp_path_factory.mktemp("brought") / "keep.zip")


def packed(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("keep/world.json", json.dumps(MANIFEST))
        made.writestr("keep/maps/cellar.webp", os.urandom(20_000_000))
    return path


@contextmanager
def opened(
    browser: Browser, link: str, size: str = "desk", language: str = "en-GB"
) -> Iterator[Page]:
    """The page, of which no script ends in an error and nothing is refused by its policy."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=language, is_mobile=size == "phone"
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda line: said.append(line.text) if "Policy" in line.text else None)
    page.goto(link)
    yield page
    assert not said, said
    context.close()


def link_of(table: Table) -> str:
    """The link, at the address where this machine has it."""
    url: str = table.ask("import-link")["url"]
    return HOST.sub(rf"http://\1.localhost:{table.run.http_port}", url)


def new(run: Run, name: str, number: int) -> Table:
    table = Table(run, name)
    table.make(number)
    return table


def has_files(table: Table) -> None:
    """Wait until nothing is done with its files."""
    table.until(lambda: not {"work", "runId", "worker"} & table.item().keys())


def uploads(page: Page, archive: Path) -> None:
    page.get_by_label("Archive").set_input_files(archive)
    page.get_by_role("button", name="Upload").click()


@pytest.mark.parametrize("size", SIZES)
def test_a_world_is_uploaded_looked_at_and_taken_in(run, browser, archive, size):
    table = new(run, f"brings{size}", 160 + len(size))
    with opened(browser, link_of(table), size) as page:
        looks_right(page, "import-choose", size)
        uploads(page, archive)
        expect(page.get_by_role("heading", name="What is in it")).to_be_visible()
        expect(page.get_by_role("listitem").first).to_contain_text(TITLE)
        expect(page.get_by_text("dnd5e, needed by keep")).to_be_visible()
        expect(page.locator("img")).to_have_count(0)
        assert "taken" not in page.title()
        looks_right(page, "import-found", size)
        page.get_by_role("button", name="Take it in").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("region", name="It is being taken in")).to_be_focused()
        looks_right(page, "import-taken", size)
    has_files(table)
    with zipfile.ZipFile(archive) as brought:
        there = {
            name: (table.data / "Data/worlds" / name).read_bytes() for name in brought.namelist()
        }
        assert there == {name: brought.read(name) for name in brought.namelist()}


def parts_put(page: Page) -> list[str]:
    """The numbers of the parts that the page puts from now on."""
    found: list[str] = []
    page.on(
        "request",
        lambda asked: found.extend(PART.findall(asked.url)) if asked.method == "PUT" else None,
    )
    return found


def held_parts(page: Page, number: int) -> list[Route]:
    """Of the parts that the page puts, those of that number get nowhere; as they come."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.url.find(f"partNumber={number}&") >= 0 and route.request.method == "PUT":
            held.append(route)
        else:
            route.continue_()

    page.route(PART, hold)
    return held


def next_of(page: Page, held: list[Route]) -> Route:
    """The part that is held, or will be in a moment."""
    for _ in range(PATIENCE // 50):
        if held:
            break
        page.wait_for_timeout(50)
    return held.pop()


@pytest.mark.parametrize("size", SIZES)
def test_an_upload_goes_on_after_the_connection_was_lost_and_after_the_page_was_closed(
    run, browser, archive, size
):
    table = new(run, f"goes-on-{size}", 190 + len(size))
    with opened(browser, link_of(table), size) as page:
        put, held = parts_put(page), held_parts(page, 2)
        uploads(page, archive)
        expect(page.get_by_label("Uploaded so far")).to_have_attribute("value", MOST)
        expect(page.get_by_role("status")).to_have_text("It is being uploaded.")
        looks_right(page, "import-sending", size)
        next_of(page, held).abort()
        lost = "The connection was lost; it goes on in a moment."
        expect(page.get_by_role("status")).to_have_text(lost)
        expect(page.get_by_role("status")).to_have_text("It is being uploaded.")
        next_of(page, held)
        assert put == ["1", "2", "2"]
        page.once("dialog", lambda dialog: dialog.accept())  # whether one wants to leave
        page.reload()
        page.unroute(PART)
        put = parts_put(page)
        uploads(page, archive)
        expect(page.get_by_role("heading", name="What is in it")).to_be_visible()
        assert put == ["2"]


def test_another_file_of_the_same_size_does_not_go_on_with_what_was_begun(
    run, browser, archive, tmp_path
):
    other = packed(tmp_path / "other.zip")
    assert other.stat().st_size == archive.stat().st_size
    with opened(browser, link_of(new(run, "other", 200))) as page:
        held = held_parts(page, 2)
        uploads(page, archive)
        expect(page.get_by_label("Uploaded so far")).to_have_attribute("value", MOST)
        next_of(page, held).abort()
        page.once("dialog", lambda dialog: dialog.accept())
        page.reload()
        page.unroute(PART)
        put = parts_put(page)
        uploads(page, other)
        expect(page.get_by_role("heading", name="What is in it")).to_be_visible()
        assert put == ["1", "2"]


def test_a_file_that_is_no_archive_is_refused_and_the_page_says_why(run, browser, tmp_path):
    (tmp_path / "keep.rar").write_bytes(b"Rar!\x1a\x07\x00" + os.urandom(1000))
    table = new(run, "refused", 171)
    with opened(browser, link_of(table)) as page:
        uploads(page, tmp_path / "keep.rar")
        expect(page.get_by_role("status")).to_contain_text("It is a rar archive.")
        expect(page.get_by_label("Archive")).to_be_visible()
        (tmp_path / "empty.zip").write_bytes(b"")
        uploads(page, tmp_path / "empty.zip")
        expect(page.get_by_role("status")).to_contain_text("This file is empty.")


@pytest.mark.parametrize("size", SIZES)
def test_who_has_an_old_link_is_told_how_to_get_another(run, browser, archive, size):
    table = new(run, f"old{size}", 172 + len(size))
    link = link_of(table)
    with opened(browser, f"{link[:-4]}AAAA", size) as page:
        uploads(page, archive)
        refusal = page.get_by_role("region", name="That did not work")
        expect(refusal).to_be_focused()
        expect(refusal).to_contain_text(
            "Ask for a new one with import-link, in Discord with /saves import."
        )
        expect(page.get_by_role("button")).to_have_count(0)
        looks_right(page, "import-refused", size)
    with opened(browser, link.partition("#")[0], size, "de-DE") as page:
        expect(page.get_by_role("region", name="Das ging nicht")).to_contain_text(
            "Öffne den ganzen Link"
        )
        expect(page.get_by_role("button")).to_have_count(0)


def test_a_server_that_is_played_on_is_stopped_first_and_then_it_goes_on(run, browser, archive):
    table = new(run, "played", 180)
    table.ask("start-instance")
    table.comes_to("signature")
    with opened(browser, link_of(table)) as page:
        uploads(page, archive)
        refusal = page.get_by_role("region", name="That did not work")
        expect(refusal).to_contain_text("Stop it; it is saved after each stop by itself.")
        put = parts_put(page)
        table.sleep()
        table.rests()
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("heading", name="What is in it")).to_be_visible()
        assert put == []


def test_a_member_in_discord_gets_the_link_and_imports_by_it(run, browser, archive):
    cleo = Table(run, CLEO)
    with window(run, browser, CLEO) as discord:
        answer = discord.sends("saves import")
        expect(discord.answers).to_have_count(1)
        with discord.page.context.expect_page() as opens:
            answer.get_by_role("link").click()
        page = opens.value
        uploads(page, archive)
        page.get_by_role("button", name="Take it in").click()
        expect(page.get_by_role("heading", name="It is being taken in")).to_be_visible()
    has_files(cleo)
    assert (cleo.data / "Data/worlds/keep/world.json").exists()

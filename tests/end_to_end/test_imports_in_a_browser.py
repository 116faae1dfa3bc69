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
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.browsing import NEEDS_CHROMIUM, PATIENCE, SIZES, browser, looks_right
from tests.end_to_end.files import QUICK, WITH_TOOLS
from tests.end_to_end.running import Run, running
from tests.end_to_end.table import Table

__all__ = ["browser"]
pytestmark = [pytest.mark.embedded, NEEDS_CHROMIUM, WITH_TOOLS]
HOST = re.compile(r"^https://([^./]+)\.foundry\.test")
PART = re.compile(r"partNumber=(\d+)")
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
    path = tmp_path_factory.mktemp("brought") / "keep.zip"
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

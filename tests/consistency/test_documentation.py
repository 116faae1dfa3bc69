"""What the documentation says agrees with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actions import ACTIONS
from docs import generate
from services.settings import Settings
from tests.world import sample

PAGES = [
    Path("README.md"),
    Path("CONTRIBUTING.md"),
    Path("CHANGELOG.md"),
    *sorted(Path("docs").glob("*.md")),
]


def test_the_page_of_actions_is_what_the_actions_say():
    assert generate.TARGET.read_text() == generate.page(), "run `make docs`"


def test_every_action_has_a_sample_event():
    for name in ACTIONS:
        if name == "observe-task":
            assert sample("ecs-task-running")["detail-type"] == "ECS Task State Change"
        else:
            assert sample(name)["action"] == name


def test_every_setting_is_explained():
    explained = set(re.findall(r"^\| `([A-Z_]+)` \|", Path("docs/operating.md").read_text(), re.M))
    assert explained == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_to_a_file_of_the_project_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_make_target_that_is_named_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.M))
    for target in re.findall(r"`make ([a-z-]+)", page.read_text()):
        assert target in targets, target

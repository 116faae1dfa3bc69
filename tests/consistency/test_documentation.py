"""What the documentation says agrees with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actions import ACTIONS
from docs import generate
from services.settings import Settings
from tests.world import sample

CONTRACT = "tests/contract/test_samples.py"
PAGES = [
    Path("README.md"),
    Path("CONTRIBUTING.md"),
    Path("CHANGELOG.md"),
    *sorted(Path("docs").glob("*.md")),
]


def test_the_page_of_actions_is_what_the_actions_say():
    assert generate.TARGET.read_text() == generate.page(), "run `make docs`"


# What AWS sends is no action's sample by name, and is not answered.
EVENTS_OF_AWS = {"ecs-task-running", "ecs-task-stopped"}
ASKED_FOR = sorted(set(ACTIONS) - {"observe-task"})


@pytest.mark.parametrize("name", ASKED_FOR)
def test_every_action_has_a_sample_event_and_its_answer(name):
    assert Path(f"events/{name}.json").exists(), f"write events/{name}.json"
    assert sample(name)["action"] == name
    answer = Path(f"events/answers/{name}.json")
    assert answer.exists(), (
        f"`tell` it in {CONTRACT}, then UPDATE_ANSWERS=1 .venv/bin/python -m pytest {CONTRACT}"
    )


def test_every_sample_and_every_answer_is_an_actions():
    samples = {path.stem for path in Path("events").glob("*.json")}
    assert samples - set(ASKED_FOR) == EVENTS_OF_AWS
    assert {path.stem for path in Path("events/answers").glob("*.json")} - set(ASKED_FOR) == set()
    for name in EVENTS_OF_AWS:
        assert sample(name)["detail-type"] == "ECS Task State Change"


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

"""docs/saves.md: what it has members ask is asked, and what it has operators do fits what a task is given."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from actions.instances.file_outcome import _AGAIN_SECONDS, TRIES
from actions.saves.label_save import MOST_LOCKED
from services.settings import Settings
from tests.file_tasks import is_file_task
from tests.saves.conftest import USER

PAGE = Path("docs/saves.md").read_text()


def asked():
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


@pytest.fixture
def ask(invoke, ecs, save):
    """Have that asked as the page has it, for a save that there is, and let all tasks do their work."""

    def one(request):
        if "saveId" in request:
            newest, *older = invoke("list-saves", userId=USER)["saves"]
            free = [s for s in older if not s.get("locked")]
            chosen = free[0] if request["action"] == "delete-save" else newest
            request["saveId"] = chosen["saveId"]
        answer = invoke(request)
        assert answer["success"], answer
        while tasks := ecs.tasks():
            if is_file_task(tasks[0]):
                save(tasks[0])
            else:
                ecs.ends(tasks[0])

    return one


def test_what_the_page_has_members_ask_is_done(evening, save, ask):
    save(evening())
    # What has to be there before: an update that can be undone, a server that was destroyed.
    before = {
        "undo-update": {"action": "update-version", "userId": USER, "foundryVersion": "14"},
        "restore-instance": {"action": "destroy-instance", "userId": USER},
    }
    for request in asked():
        if request["action"] in before:
            ask(before[request["action"]])
        ask(request)
    assert {r["action"] for r in asked()} == {
        "status",
        *("save-now", "list-saves", "label-save", "delete-save", "restore-save"),
        *("undo-update", "restore-instance", "export-save"),
    }


def test_the_drill_opens_the_repository_that_a_task_was_given(evening, files):
    task = evening()
    place, (password,) = files.place(task), files.secrets(task)
    (form,) = re.findall(r"RESTIC_REPOSITORY=(\S+)", PAGE)
    told = form.replace("$BUCKET", place["BUCKET"]).replace("$NAME", place["REPOSITORY"])
    assert place["RESTIC_REPOSITORY"].endswith(told.partition("amazonaws.com")[2])
    (key,) = re.findall(r"jq -r \.(\w+)\)", PAGE)
    assert password["valueFrom"].endswith(f":{key}::")


def test_the_page_has_the_codes_numbers():
    last, weeks, months = Settings.model_fields["saves_kept"].default.split(",")
    assert f"the last {last}, the newest of {weeks} weeks and of {months} months" in PAGE
    waits = [_AGAIN_SECONDS << n for n in range(TRIES - 1)]
    minutes = [str(seconds // 60) for seconds in waits]
    assert f"after {', '.join(minutes[:-1])} and {minutes[-1]} minutes" in PAGE
    assert MOST_LOCKED == 20
    assert "Twenty may be locked" in PAGE

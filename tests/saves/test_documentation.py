"""docs/saves.md: what it has members ask is asked, and what it has operators do fits what a task is given."""

from __future__ import annotations

import json
import re
from pathlib import Path

from actions.instances.file_outcome import _AGAIN_SECONDS, TRIES
from actions.saves.label_save import MOST_LOCKED
from services.settings import Settings
from tests.saves.conftest import USER

PAGE = Path("docs/saves.md").read_text()


def asked():
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_what_the_page_has_members_ask_is_done(evening, save, invoke, ecs):
    save(evening())
    for request in asked():
        newest = invoke("list-saves", userId=USER)["saves"][0]
        if "saveId" in request:
            request["saveId"] = newest["saveId"]
        if request["action"] == "delete-save" and newest.get("locked"):
            invoke("label-save", userId=USER, saveId=newest["saveId"], locked=False)
        answer = invoke(request)
        assert answer["success"], answer
        while tasks := ecs.tasks():
            save(tasks[0])
    assert {r["action"] for r in asked()} == {
        "status",
        *("save-now", "list-saves", "label-save", "delete-save", "restore-save"),
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

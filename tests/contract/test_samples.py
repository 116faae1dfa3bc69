"""The sample events of events/, told as one story, get the answers of events/answers/.

docs/actions.md shows both. `UPDATE_ANSWERS=1 make test` writes the answers anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from actions import ACTIONS
from tests.aws_calls import AWS
from tests.world import sample

ANSWERS = Path("events/answers")
WRITTEN_ANEW = "UPDATE_ANSWERS" in os.environ
# What is different each time, and what stands for it in the samples.
SAME = (
    (r"fsap-[0-9a-f]+", "fsap-0123456789abcdef0"),
    (r"(-\d{18}-)[0-9a-f]{12}", r"\g<1>0123456789ab"),
    (r"license-[0-9a-f]{12}", "license-0123456789ab"),
    (r'(sessionId": ")[0-9a-f-]{36}', r"\g<1>0c7f4a5e-8f0b-4c63-9d5c-5a4b1c1f8a11"),
    (r"(task/[a-z-]+/)[0-9a-f-]+", r"\g<1>0f1b2c3d4e5f60718293a4b5c6d7e8f9"),
)


def test_each_sample_gets_the_answer_that_the_documentation_shows(invoke, ecs, freezer, bedrock):
    freezer.move_to("2026-11-21T20:00:00Z")
    told = {}

    def tell(name, **changes):
        told[name] = invoke(sample(name, **changes))

    tell("create-instance")
    tell("update-version")
    tell("set-auto-shutdown")
    tell("set-license-sharing")
    tell("health-check")
    tell("check-availability")
    tell("schedule-session")
    tell("get-scheduled-sessions")
    tell("cancel-scheduled-session", sessionId=told["schedule-session"]["sessionId"])
    tell("prepare-sessions")
    tell("license-pool-status")
    tell("request-license")
    tell("release-license")
    tell("send-notification")
    tell("start-instance")
    ecs.comes_up(ecs.only_task())
    freezer.tick(600)
    tell("status")
    tell("keep-alive")
    tell("auto-shutdown-check")
    tell("list-all", userId="admin")
    tell("stop-instance")
    tell("finish-stop", runId=AWS.queue.pop()["runId"])
    ecs.ends(ecs.tasks("STOPPED")[0])
    tell("destroy-instance")
    tell("chat")
    tell("list-data")
    tell("readiness")
    for name, answer in told.items():
        text = json.dumps(answer, indent=2) + "\n"
        for volatile, stable in SAME:
            text = re.sub(volatile, stable, text)
        path = ANSWERS / f"{name}.json"
        if WRITTEN_ANEW:
            path.write_text(text)
        assert json.loads(path.read_text()) == json.loads(text), name
    events_of_aws = {"observe-task"}
    assert set(told) == set(ACTIONS) - events_of_aws

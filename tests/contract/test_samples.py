"""The sample events of events/, told as one story, get the answers of events/answers/.

docs/actions.md shows both. `UPDATE_ANSWERS=1 .venv/bin/python -m pytest tests/contract` writes the answers anew.
Each `tell` moves the clock a second, which later answers show.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest
import requests

from actions import ACTIONS
from local.discord import played
from tests import world, written_down
from tests.actions_that_read import ONLY_READ, writing
from tests.aws_calls import AWS
from tests.diagnosis.server import server_writes
from tests.discord.community import endpoint, secret, set_up
from tests.file_tasks import Files
from tests.functions.writing import Writer
from tests.world import sample

pytestmark = pytest.mark.slow

ANSWERS = Path("events/answers")
# What is different each time, and what stands for it in the samples.
SAME = (
    (r'(channelId": ")\d{17,20}', r"\g<1>200000000000000042"),
    (r"fsap-[0-9a-f]+", "fsap-0123456789abcdef0"),
    (r"(-\d{18}-)[0-9a-f]{12}", r"\g<1>0123456789ab"),
    (r"license-[0-9a-f]{12}", "license-0123456789ab"),
    (r'(saveId": "save-\d+-)[0-9a-f]{4}', r"\g<1>6f1e"),
    (r'(sessionId": ")[0-9a-f-]{36}', r"\g<1>0c7f4a5e-8f0b-4c63-9d5c-5a4b1c1f8a11"),
    (r'(runId": ")[0-9a-f-]{36}', r"\g<1>6f1e2d3c-4b5a-4697-8877-665544332211"),
    (r'(clientSecret": ")[\w-]{43}', r"\g<1>…"),
    (r'(token": ")[\w.-]{99,}', r"\g<1>…"),
    (r'(nonce": "\d+\.)[0-9a-f]{12}\.[\w-]{43}', r"\g<1>…"),
    (r'(importId": ")[0-9a-f]{12}', r"\g<1>3f6b1c0d9a72"),
    (r'(url": "https://)[^"]*X-Amz[^"]*', r"\g<1>…"),
    (r"(_import#\d+\.)[\w-]{43}", r"\g<1>…"),
    (r"(\?code=)[a-z2-7-]{19}", r"\g<1>abcd-efgh-ijkl-mnop"),
    (r"wh_[0-9a-f]{12}", "wh_0123456789ab"),
    (r'(secret": "whsec_)[\w+/]{43}=', r"\g<1>…"),
    (
        r'(request_?[iI]d": "|request id )[0-9a-f-]{36}',
        r"\g<1>0f1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9",
    ),
    (r'("id": ")[0-9a-f]{8}-[0-9a-f-]{27}"', r'\g<1>550e8400-e29b-41d4-a716-446655440000"'),
    (r'("id": ")\d{56}"', rf'\g<1>{"39" * 28}"'),
    (r'("id": "\d{14}:)[0-9a-f]+', r"\g<1>0123456789ab"),
    (r"(task/[a-z-]+/)[0-9a-f-]+", r"\g<1>0f1b2c3d4e5f60718293a4b5c6d7e8f9"),
)
# A donation that does not say whose it is.
UNASSIGNED = {
    "message_id": sample("admin-assign-donation")["donationId"],
    "kofi_transaction_id": "5b1fac0c-f960-4506-a60e-824979a74e75",
    "message": "",
    "email": "heidi@example.com",
}


def carry_out(files, ecs, freezer, **report):
    """The file task under way does its work, which it reports with that, and ends."""
    task = ecs.only_task()
    ecs.comes_up(task)
    freezer.tick(40)
    files.carry_out(task, **report)
    ecs.ends(task)


def upload(parts):
    """Some archive is put to the addresses of its parts."""
    for part in parts:
        requests.put(part["url"], data=b"x" * part["bytes"], timeout=30)


def test_each_sample_gets_the_answer_that_the_documentation_shows(
    invoke, ecs, freezer, bedrock, monkeypatch
):
    freezer.move_to("2026-11-21T20:00:00Z")
    told, wrote = {}, {}

    def tell(name, **changes):
        freezer.tick(1)
        AWS.begin()
        told[name] = invoke(sample(name, **changes))
        wrote[name] = writing(call.name for call in AWS.calls)
        AWS.end()

    tell("create-instance")
    tell("update-version")
    tell("change-credentials")
    tell("set-auto-shutdown")
    tell("set-license-sharing")
    tell("health-check")
    tell("check-availability")
    tell("schedule-session")
    tell("get-scheduled-sessions")
    tell("move-session", sessionId=told["schedule-session"]["sessionId"])
    tell("cancel-scheduled-session", sessionId=told["schedule-session"]["sessionId"])
    tell("prepare-sessions")
    tell("license-pool-status")
    tell("request-license")
    tell("release-license")
    tell("send-notification")
    tell("start-instance")
    ecs.comes_up(ecs.only_task())
    freezer.tick(600)
    tell("set-world")
    tell("status")
    tell("kofi-webhook")
    tell("link-donor")
    tell("get-user-costs")
    tell("keep-alive")
    tell("auto-shutdown-check")
    tell("list-all", userId="admin")
    tell("get-all-costs", userId="admin")
    tell("admin-overview", userId="admin")
    tell("admin-grant", userId="admin")
    tell("admin-revoke", userId="admin")
    tell("admin-revoke-token", userId="admin")
    tell("admin-system-maintenance", userId="admin")
    freezer.tick(1)
    invoke(sample("admin-system-maintenance", userId="admin", enabled=False))
    tell("admin-maintenance-reset", userId="admin")
    unassigned = sample("kofi-webhook")["body"] | UNASSIGNED
    invoke("kofi-webhook", body=unassigned)
    tell("admin-assign-donation", userId="admin")
    for name in ("admin-cancel-session", "admin-cancel-all-sessions"):
        booked = invoke(sample("schedule-session"))
        tell(name, userId="admin", sessionId=booked["sessionId"])
    tell("stop-instance")
    tell("finish-stop", runId=AWS.queue.pop()["runId"])
    ecs.ends(ecs.tasks("STOPPED")[0])
    tell("set-wake")
    tell("table-page")
    code = told["set-wake"]["wakeUrl"].partition("code=")[2]
    tell("wake-table", nonce=told["table-page"]["nonce"], code=code)
    tell("table-state")
    tell("admin-force-shutdown", userId="admin")
    ecs.ends(ecs.only_task())
    tell("shutdown-stats", userId="admin")
    invoke(sample("schedule-session", startTime=sample("admin-list-sessions")["from"]))
    tell("admin-list-sessions", userId="admin")
    tell("admin-audit", userId="admin")
    tell("set-size")
    server_writes("[info] Server started and listening on port 30000", ago=1500)
    tell("get-logs")
    carried_out = partial(carry_out, Files(), ecs, freezer)
    monkeypatch.setenv("SAVES_KEPT", "5,4,6")
    world.new_process()
    tell("save-now")
    carried_out()
    saved = invoke(sample("list-saves"))["saves"][0]["saveId"]
    tell("label-save", saveId=saved)
    tell("restore-save", saveId=saved)
    dice = {"type": "module", "id": "dice", "title": "Dice", "version": "1.3.0"}
    carried_out(packages=[dice])
    carried_out()
    tell("list-saves")
    invoke(sample("save-now"))
    carried_out()  # the newest stays
    tell("export-save", saveId=saved)
    carried_out()
    tell("delete-save", saveId=told["list-saves"]["saves"][0]["saveId"])
    tell("begin-import")
    upload(told["begin-import"]["parts"])
    invoke(sample("begin-import"))
    carried_out()
    tell("confirm-import", importId=told["begin-import"]["importId"])
    carried_out()
    carried_out()
    invoke(sample("update-version"))
    carried_out()
    tell("undo-update")
    carried_out()
    carried_out()
    tell("destroy-instance")
    carried_out()
    ecs.ends(ecs.only_task())
    tell("admin-hand-over-saves", userId="admin")
    given = sample("admin-hand-over-saves")
    back = {"targetUserId": given["toUserId"], "toUserId": given["targetUserId"]}
    invoke(given | {"userId": "admin"} | back)
    tell("restore-instance")
    tell("chat")
    tell("list-data")
    tell("user-token")
    for name in ["create", "list", "get", "update", "invoke", "invocations", "figures"]:
        tell(f"function-{name}")
    Writer.of(told["function-create"]["function"])("[INFO] Ready to roll", ago=2500)
    tell("function-logs")
    tell("function-delete")
    tell("client-create", userId="admin")
    tell("client-token", clientSecret=told["client-create"]["clientSecret"])
    tell("client-list", userId="admin")
    for name in ("invoke-function", "invoke-async", "batch-invoke", "list-functions"):
        tell(name, userId="admin")
    tell("get-function-config", userId="admin")
    tell("list-invocations", userId="admin")
    tell("client-rotate", userId="admin")
    tell("client-revoke", userId="admin")
    tell("webhook-create")
    tell("webhook-list")
    tell("webhook-delete", id=told["webhook-create"]["webhook"]["id"])
    tell("deliver-webhooks")
    tell("readiness")
    tell("set-time-zone")
    with played(endpoint) as discord:
        set_up(discord, monkeypatch, **secret(discord))
        tell("admin-register-commands", userId="admin")
        tell("crew-add")
        tell("crew-remove")
        tell("set-panel", channelId=discord.channel("tables").id)
        tell("update-panels")
    tell("import-link")
    for name, answer in told.items():
        text = json.dumps(answer, indent=2) + "\n"
        for volatile, stable in SAME:
            text = re.sub(volatile, stable, text)
        written_down.compare(ANSWERS / f"{name}.json", text)
    nothing_due = {"update-panels", "prepare-sessions", "deliver-webhooks"}
    assert {name for name in wrote if not wrote[name]} - nothing_due == ONLY_READ
    events_of_aws = {"observe-task"}
    untold = set(ACTIONS) - events_of_aws - set(told)
    assert not untold, "`tell` each action once, as late in this story as its state allows"

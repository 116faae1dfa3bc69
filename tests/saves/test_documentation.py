"""docs/saves.md: what it has members ask is asked, and what it has operators do fits what a task is given."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from actions.instances.file_outcome import _AGAIN_SECONDS, TRIES
from actions.saves.label_save import MOST_LOCKED
from services.settings import Settings
from tests.file_tasks import is_file_task, put_parts
from tests.saves.conftest import USER, instance

pytestmark = pytest.mark.slow

PAGE = Path("docs/saves.md").read_text()


SIZE = 20_000_000
NEEDS = ("jq", "curl")


def asked():
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


@pytest.fixture
def ask(invoke, ecs, save):
    """Have that asked as the page has it, for a save that there is, and let all tasks do their work."""

    def one(request):
        if request["action"] == "confirm-import":
            put_parts(instance())
            one({"action": "begin-import", "userId": USER, "bytes": SIZE})  # it is looked into
            request["importId"] = instance()["upload"]["importId"]
        if "saveId" in request:
            newest, *older = invoke("list-saves", userId=USER)["saves"]
            free = [s for s in older if not s.get("locked")]
            chosen = free[0] if request["action"] == "delete-save" else newest
            request["saveId"] = chosen["saveId"]
        if request["action"].startswith("admin-"):
            request["userId"] = "admin"
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
        "admin-hand-over-saves": {"action": "destroy-instance", "userId": USER},
    }
    for request in asked():
        if request["action"] in before:
            ask(before[request["action"]])
        ask(request)
    assert {r["action"] for r in asked()} == {
        "status",
        *("save-now", "list-saves", "label-save", "delete-save", "restore-save"),
        *("undo-update", "restore-instance", "export-save"),
        *("import-link", "begin-import", "confirm-import", "admin-hand-over-saves"),
    }


@pytest.mark.skipif(
    not all(map(shutil.which, NEEDS)), reason=f"{' and '.join(NEEDS)} must be installed"
)
def test_the_lines_that_send_parts_send_each_to_its_address(tmp_path):
    """Those that the answer has: some may be there already."""
    lines = next(
        block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "curl" in block
    )
    sent = {}

    class Bucket(BaseHTTPRequestHandler):
        def do_PUT(self):
            sent[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Nobody reads it."""

    archive = bytes(range(256)) * 10
    (tmp_path / "world.zip").write_bytes(archive)
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/part?n="
        parts = [
            {"number": number, "bytes": size, "url": f"{url}{number}&x=1"}
            for number, size in ((2, 1000), (3, 560))
        ]
        (tmp_path / "answer.json").write_text(json.dumps({"partBytes": 1000, "parts": parts}))
        subprocess.run(["sh", "-ec", lines], cwd=tmp_path, check=True, capture_output=True)
        server.shutdown()
    assert sent == {"/part?n=2&x=1": archive[1000:2000], "/part?n=3&x=1": archive[2000:]}


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

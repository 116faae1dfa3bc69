"""The EventFlow contract's own clients and examples against `make run`, as printed but for port and token."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.end_to_end.running import Run

pytestmark = pytest.mark.embedded

EXAMPLES = (Path(__file__).parent / "eventflow.md").read_text()
PACKAGES = {"typescript": ("axios", "esbuild"), "postman": ("newman",)}


def printed(language: str) -> list[str]:
    """The contract's blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", EXAMPLES, re.DOTALL)


def here(text: str, run: Run, token: str = "") -> str:
    """What is printed, with the port and the token of this run."""
    for name in ("your_jwt_token_here", "your_jwt_token", "your_token"):
        text = text.replace(name, token)
    return text.replace("localhost:30080", f"127.0.0.1:{run.http_port}")


def said(*command: str | Path, cwd: Path | None = None, **more: Any) -> str:
    """What a program prints, which must end well."""
    ran = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=180, **more
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def token_of(run: Run, user: str) -> str:
    answer = requests.post(
        f"http://127.0.0.1:{run.http_port}/auth/token", json={"user_id": user}, timeout=30
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def names(run: Run, token: str) -> list[str]:
    """The names of the functions of a token's member."""
    answer = requests.get(
        f"http://127.0.0.1:{run.http_port}/v1/functions",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    return [function["name"] for function in answer.json()]


def installed(tmp_path: Path, language: str) -> None:
    """Install what a client needs besides Node, or skip the test where that cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm")
    command = [npm, "install", "--no-audit", "--no-fund", "--silent", *PACKAGES[language]]
    tried = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=180
    )
    if tried.returncode:
        pytest.skip(f"npm cannot install {', '.join(PACKAGES[language])}")


def test_the_contracts_curl_lines_run_as_printed(run: Run) -> None:
    lines = [text for text in printed("bash") if "/logs" not in text]
    made = json.loads(said("bash", "-c", here(lines[0], run)))
    assert made == {
        "token": made["token"],
        "user_id": "alice",
        "username": "Alice",
        "email": "alice@company.com",
        "namespace": "tenant-alice",
    }
    answers = [
        said("bash", "-c", f"TOKEN={made['token']}; {here(t, run, made['token'])}")
        for t in lines[1:]
    ]
    created, listed, one, invoked, deleted = answers
    assert json.loads(created)["status"] == "Pending"
    assert [function["name"] for function in json.loads(listed)] == ["web-server"]
    assert json.loads(one)["env"] == {"ENV": "production"}
    assert json.loads(invoked)["message"] == "Function 'web-server' invoked successfully"
    assert deleted == ""
    assert names(run, made["token"]) == []


def test_the_contracts_log_lines_run_as_printed(run: Run) -> None:
    token = token_of(run, "logs")
    address = f"http://127.0.0.1:{run.http_port}/v1/functions"
    asked = {"name": "web-server", "image": "nginx:alpine", "replicas": 1}
    made = requests.post(
        address, json=asked, headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    assert made.status_code == 201
    (text,) = [text for text in printed("bash") if "/logs" in text]
    last, follow, tail = (
        f"TOKEN={token}; {here(command, run, token)}" for command in text.split("\n\n")
    )
    give_up = time.monotonic() + 60
    while "Listening on http" not in said("bash", "-c", last):
        assert time.monotonic() < give_up
        time.sleep(0.5)
    assert "Listening on http" in said("bash", "-c", tail)
    terminal, its_end = pty.openpty()  # to which curl writes what comes at once
    with (
        subprocess.Popen(
            ["bash", "-c", follow],
            stdout=its_end,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as following,
        os.fdopen(terminal) as shown,
    ):
        first = shown.readline()
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ Listening on http", first)
        assert requests.get(first.split()[-1], timeout=10).status_code == 200
        assert "GET / HTTP/1.1" in shown.readline()
        assert following.poll() is None
        os.killpg(following.pid, signal.SIGINT)
    os.close(its_end)


def test_the_contracts_python_client_runs_as_printed(run: Run) -> None:
    token = token_of(run, "python")
    (client,) = printed("python")
    said(
        sys.executable, "-c", here(client, run, token) + "\nassert functions[0]['name'] == 'my-app'"
    )
    assert names(run, token) == []


def test_the_contracts_javascript_client_runs_as_printed(run: Run, tmp_path: Path) -> None:
    installed(tmp_path, "typescript")
    token = token_of(run, "typescript")
    (client,) = printed("typescript")
    (tmp_path / "client.ts").write_text(
        here(client, run, token) + "\nconsole.log(functions.map((f) => f.name).join());"
    )
    esbuild = tmp_path / "node_modules/.bin/esbuild"
    said(esbuild, "client.ts", "--format=esm", "--outfile=client.mjs", cwd=tmp_path)
    assert said("node", "client.mjs", cwd=tmp_path) == "my-app\n"
    assert names(run, token) == []


def test_the_contracts_postman_script_gets_a_token_with_which_functions_are_listed(
    run: Run, tmp_path: Path
) -> None:
    installed(tmp_path, "postman")
    (script,) = printed("javascript")
    request = {
        "method": "GET",
        "header": [{"key": "Authorization", "value": "Bearer {{token}}"}],
        "url": "{{base_url}}/v1/functions",
    }
    test = "pm.test('lists', () => { pm.response.to.have.status(200); pm.response.json(); });"
    collection = {
        "info": {
            "name": "EventFlow",
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "event": [{"listen": "prerequest", "script": {"exec": script.splitlines()}}],
        "item": [
            {
                "name": "list",
                "request": request,
                "event": [{"listen": "test", "script": {"exec": [test]}}],
            }
        ],
    }
    (tmp_path / "collection.json").write_text(json.dumps(collection))
    values = [{"key": "base_url", "value": f"http://127.0.0.1:{run.http_port}"}]
    (tmp_path / "environment.json").write_text(json.dumps({"name": "here", "values": values}))
    newman = tmp_path / "node_modules/.bin/newman"
    said(newman, "run", "collection.json", "-e", "environment.json", cwd=tmp_path)


def test_the_contracts_go_client_compiles_and_runs_as_printed(run: Run, tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("there is no Go; its requests are replayed below")
    token = token_of(run, "go")
    (client,) = printed("go")
    (tmp_path / "main.go").write_text(here(client, run, token))
    (tmp_path / "go.mod").write_text("module client\n")
    more = {
        "env": {
            "HOME": str(tmp_path),
            "PATH": "/usr/local/go/bin:/usr/bin:/bin",
            "GOFLAGS": "-mod=mod",
        }
    }
    assert said("go", "run", ".", cwd=tmp_path, **more) == "Found 1 functions\n"
    assert names(run, token) == ["my-app"]


# What Go's net/http sends for the contract's client, recorded from it.
GO_SENDS = (
    (
        b"POST /v1/functions HTTP/1.1\r\nHost: localhost:30080\r\nUser-Agent: Go-http-client/1.1\r\n"
        b"Content-Length: 53\r\nAuthorization: Bearer your_token\r\nContent-Type: application/json\r\n"
        b'Accept-Encoding: gzip\r\n\r\n{"name":"my-app","image":"nginx:alpine","replicas":2}'
    ),
    (
        b"GET /v1/functions HTTP/1.1\r\nHost: localhost:30080\r\nUser-Agent: Go-http-client/1.1\r\n"
        b"Authorization: Bearer your_token\r\nAccept-Encoding: gzip\r\n\r\n"
    ),
)


def test_what_the_go_client_sends_is_answered_byte_for_byte(run: Run) -> None:
    token = token_of(run, "gopher").encode()
    with socket.create_connection(("127.0.0.1", run.http_port), timeout=30) as connection:
        for sent, status in zip(GO_SENDS, ("201 Created", "200 OK"), strict=True):
            connection.sendall(sent.replace(b"your_token", token))
            answered = HTTPResponse(connection)  # whose head and body may come one after the other
            answered.begin()
            assert f"{answered.status} {answered.reason}" == status, answered.read()
            answered.read()


@dataclass(frozen=True)
class Member:
    """Somebody who uses the API."""

    run: Run
    token: str

    def call(self, method: str, path: str = "", body: Any = None) -> requests.Response:
        """The answer to a request under /v1/functions."""
        return requests.request(
            method,
            f"http://127.0.0.1:{self.run.http_port}/v1/functions{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            json=body,
            timeout=30,
        )

    def create(self, name: str, image: str, **more: Any) -> None:
        """Make a function."""
        answer = self.call("POST", "", {"name": name, "image": image, **more})
        assert answer.status_code == 201, answer.text

    def becomes(self, path: str, wanted: Callable[[Any], bool]) -> Any:
        """What is at an address, once it is as wanted; within 30 s."""
        give_up = time.monotonic() + 30
        while not wanted(found := self.call("GET", path).json()):
            assert time.monotonic() < give_up, found
            time.sleep(0.2)
        return found


@pytest.fixture
def carol(run: Run) -> Member:
    return Member(run, token_of(run, "carol"))


def test_what_runs_fails_and_waits_is_seen(carol: Member) -> None:
    carol.create("runs", "clock", replicas=2)
    carol.create("fails", "crash")
    carol.create("waits", "ghcr.io/nobody/nothing:1")
    running = carol.becomes("/runs", lambda found: found["available_replicas"] == 2)
    assert running["status"] == "Running"
    failed = carol.becomes("/fails", lambda found: found["status"] == "Failed")
    assert failed["reason"] == "Its container ended by itself: exit code 1."
    waiting = carol.becomes("/waits", lambda found: "reason" in found)
    assert waiting["status"] == "Pending"
    assert "plays no image ghcr.io/nobody/nothing" in waiting["reason"]
    carol.call("PATCH", "/runs", {"replicas": 0})
    carol.becomes("/runs", lambda found: found["status"] == "Stopped")
    for name in ("runs", "fails", "waits"):
        assert carol.call("DELETE", f"/{name}").status_code == 204


@pytest.mark.parametrize("given", [{"roll": "2d6"}, {"map": "x" * 20_000}], ids=["short", "long"])
def test_an_invocation_gets_its_input_and_ends(carol: Member, given: Any) -> None:
    carol.create("prints", "print-input", replicas=0)
    invoked = carol.call("POST", "/prints:invoke", {"input": given})
    assert invoked.status_code == 200, invoked.text
    done = carol.becomes("/prints/invocations", lambda found: found[0].get("exit_code") is not None)
    assert (done[0]["job_name"], done[0]["status"]) == (invoked.json()["job_name"], "completed")
    carol.call("DELETE", "/prints")

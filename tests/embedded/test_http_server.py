"""The HTTP server over TCP: real tokens, real clients, and a tool that knows nothing but its description."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import requests

from local import embedded
from tests import proof
from tests.embedded.conftest import free_port
from tests.embedded.serving import TOP, Served, serving

pytestmark = pytest.mark.embedded

BIN = Path(sys.executable).parent
CHROMIUM = shutil.which("chromium")
AUTHENTICATED = 25  # operations of the description that want a token, at least


@pytest.fixture(scope="module")
def served(
    connected: embedded.Embedded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    reset = Request(f"{connected.endpoint}/_ministack/reset", method="POST")  # noqa: S310 - loopback
    with urlopen(reset, timeout=30):  # noqa: S310 - as above
        directory = tmp_path_factory.mktemp("server")
    with serving(connected, free_port(), directory) as server:
        yield server


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_that_cognito_issued_is_taken_and_decides_the_user(served: Served) -> None:
    for user in ("ada", "admin"):
        said = requests.get(f"{served.url}/status", headers=bearer(served.tokens[user]), timeout=10)
        assert said.json()["user"] == user
    mine = requests.post(
        f"{served.url}/",
        json={"action": "status"},
        headers=bearer(served.tokens["ada"]),
        timeout=10,
    )
    assert (mine.status_code, mine.json()["status"]) == (200, "created")


def test_an_access_token_and_a_changed_token_are_refused(served: Served) -> None:
    head, payload, signature = served.tokens["ada"].split(".")
    changed = f"{head}.{payload}.{signature[:-6]}AAAAAA"
    for token in (served.access_token, changed):
        said = requests.get(f"{served.url}/status", headers=bearer(token), timeout=10)
        assert said.status_code == 401
        assert "Bearer" in said.headers["www-authenticate"]


def test_the_contracts_python_example_works_with_requests(served: Served) -> None:
    """Response Error Format and SDK Examples of the contract, over HTTP."""
    session = requests.Session()
    session.headers.update(bearer(served.tokens["ada"]))
    payload = {"action": "status", "userId": "ada"}
    assert session.post(f"{served.url}/", json=payload, timeout=10).json()["success"] is True
    listed = session.get(f"{served.url}/users", params={"role": "admin"}, timeout=10).json()
    assert {record["role"] for record in listed["items"]} == {"admin"}
    answer = session.post(f"{served.url}/chat", json={"message": "Grappled?"}, timeout=30).json()
    assert answer["model"] in answer["answer"]  # as the embedded Bedrock's canned reply says


def test_curl_is_answered_and_told_what_is_wrong(served: Served) -> None:
    asked = ["curl", "-s", "-i", f"{served.url}/", "-d", '{"action": "status"}']
    refused = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert refused.startswith("HTTP/1.1 401")
    token = f"Authorization: Bearer {served.tokens['ada']}"
    said = subprocess.run([*asked, "-H", token], capture_output=True, text=True, check=True).stdout
    head, _, body = said.replace("\r\n", "\n").partition("\n\n")
    assert head.startswith("HTTP/1.1 200")
    assert json.loads(body)["status"] == "created"


PAGE_OF_ANOTHER_ORIGIN = """<!doctype html><title>asking</title><script>
const said = {};
async function ask(name, address, options) {
  try {
    const answer = await fetch(SERVER + address, options);
    said[name] = [answer.status, answer.headers.get("x-request-id") !== null, await answer.json()];
  } catch (error) { said[name] = String(error); }
}
const json = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"};
(async () => {
  await ask("status", "/status", {headers: json});
  await ask("action", "/", {method: "POST", headers: json, body: '{"action": "status"}'});
  await ask("refused", "/status", {headers: {"Authorization": "Bearer no"}});
  await ask("put", "/status", {method: "PUT", headers: json});
  await fetch("/said", {method: "POST", body: JSON.stringify(said)});
})();
</script>"""


class Pages:
    """A web server with the page, at an origin of its own; it waits for what the page found."""

    def __init__(self, served: Served, port: int) -> None:
        page = PAGE_OF_ANOTHER_ORIGIN.replace("SERVER", json.dumps(served.url))
        page = page.replace("TOKEN", json.dumps(served.tokens["ada"]))
        said = self.said = dict[str, Any]()
        done = self.done = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(page.encode())

            def do_POST(self) -> None:
                said.update(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()
                done.set()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def opened(self, directory: Path) -> dict[str, Any]:
        """What the page found, opened in Chromium."""
        assert CHROMIUM
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        command += ["--disable-background-networking", "--disable-component-update"]
        command += ["--disable-sync", "--disable-quic", f"--user-data-dir={directory}"]
        command += ["--remote-debugging-port=0"]  # keeps it open until the page is done
        address = f"http://127.0.0.1:{self.server.server_port}/"
        browser = subprocess.Popen(
            [*command, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            assert self.done.wait(60), "the page never said anything"
        finally:
            browser.terminate()
            browser.wait(timeout=20)
            self.server.shutdown()
            self.server.server_close()
        return self.said


needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium here (Debian: apt-get install chromium)"
)


@needs_chromium
def test_a_page_of_an_allowed_origin_may_call_from_a_browser(
    served: Served, tmp_path: Path
) -> None:
    said = Pages(served, served.page_port).opened(tmp_path)
    assert said["status"][:2] == [200, True]
    assert said["status"][2]["user"] == "ada"
    assert said["action"][2]["success"] is True
    assert said["refused"][:2] == [401, True]
    assert "TypeError" in said["put"]  # the browser asked first, and was told that PUT is not taken


@needs_chromium
def test_a_page_of_any_other_origin_may_not(served: Served, tmp_path: Path) -> None:
    said = Pages(served, free_port()).opened(tmp_path)
    assert set(said) == {"status", "action", "refused", "put"}
    assert all("TypeError" in str(found) for found in said.values()), said


@pytest.mark.parametrize(
    ("examples", "at_least"), [(6, 200), pytest.param(110, 5000, marks=pytest.mark.prove)]
)
def test_schemathesis_finds_nothing_that_is_not_as_described(
    served: Served, tmp_path: Path, examples: int, at_least: int
) -> None:
    before, good = served.metric("http_requests_total"), served.answered("200")
    command = [str(BIN / "st"), "--config-file", str(TOP / "tests/embedded/schemathesis.toml")]
    command += ["run", f"{served.url}/openapi.json", "--checks", "all", "--seed", "1"]
    # One worker: what describes a failing example reads sources, which threads of Python 3.11 cannot do at once
    # (SystemError: AST constructor recursion depth mismatch).
    command += ["--max-examples", str(examples), "--workers", "1", "--no-color"]
    if examples == 6:
        command += ["--phases", "examples,fuzzing"]
    environment = os.environ | {"TOKEN": served.tokens["ada"]}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested
    assert int(tested[1]) > AUTHENTICATED
    # But for those at which a client, or a page, proves what it is by what nobody guesses, or that speak for
    # for others.
    assert "Authentication failed: 6 operations" in done.stdout
    asked = int(served.metric("http_requests_total") - before)
    assert asked >= at_least
    assert served.answered("200") - good > at_least / 10  # it was not only refused
    assert served.answered("500") == 0
    proof.record(
        "HTTP as described",
        f"schemathesis, all checks: {asked:,} requests to {tested[1]} operations, no failure",
        asked,
    )


def test_an_answer_does_not_wait_for_the_clients_acknowledgement(served: Served) -> None:
    port = int(served.url.rsplit(":", 1)[1])
    request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        began = time.perf_counter()
        for _ in range(100):
            connection.sendall(request)
            received = b""
            while not received.endswith(b'{"status":"healthy"}'):
                received += connection.recv(4096)
    assert time.perf_counter() - began < 3  # 40 ms each with Nagle's algorithm, else about 1


def test_what_is_no_http_at_all_gets_an_answer_and_harms_nothing(served: Served) -> None:
    port = int(served.url.rsplit(":", 1)[1])
    for nonsense in (
        b"\x00\xff" * 50 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(nonsense)
    assert requests.get(f"{served.url}/healthz", timeout=5).status_code == 200


def test_a_body_that_is_too_long_is_refused_before_it_is_read(served: Served) -> None:
    port = int(served.url.rsplit(":", 1)[1])
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n"
    token = f"authorization: Bearer {served.tokens['ada']}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head + token)
        assert connection.recv(64).startswith(b"HTTP/1.1 413")
    chunks = (b"x" * 100_000 for _ in range(20))  # whose length nobody announced
    said = requests.post(
        f"{served.url}/", data=chunks, headers=bearer(served.tokens["ada"]), timeout=30
    )
    assert said.status_code == 413


def test_a_port_in_use_is_one_clear_line(served: Served) -> None:
    port = served.url.rsplit(":", 1)[1]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_ENDPOINT")
    }
    from tests import world

    second = subprocess.run(
        [sys.executable, "-m", "handler.server", "--grpc-port", "0", "--port", port],
        cwd=TOP,
        env=environment | world.least_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert port in second.stderr


def test_without_its_settings_it_says_in_one_line_which_are_missing() -> None:
    environment = {"PATH": os.environ["PATH"]}
    refused = subprocess.run(
        [sys.executable, "-m", "handler.server"],
        cwd=TOP,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "HOSTED_ZONE_ID" in refused.stderr


def test_its_log_has_the_contracts_lines_and_no_token(served: Served) -> None:
    """The last test: all that the others sent is in the log."""
    text = served.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert {"GET /status", "POST /"} <= {
        f"{line['details'].get('method')} {line['details'].get('route')}" for line in lines
    }
    assert all(line["requestId"] for line in lines)
    for token in served.tokens.values():
        assert token not in text
        assert token.split(".")[2] not in text

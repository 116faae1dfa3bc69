"""The front of the embedded run, between small servers of a test's own and whoever asks."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from local import foundry, front
from local.processes import LocalError, spare_port
from local.switches import Switches

pytestmark = pytest.mark.embedded

DOMAIN = "play.test"
BALANCER = "foundry-1a2b"
MB = 1_048_576


@dataclass
class Upstream:
    """Who is asked by the front: what came, and how it answers."""

    port: int
    asked: list[BaseHTTPRequestHandler] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: Callable[[BaseHTTPRequestHandler], None] = field(default_factory=lambda: answer)

    def header(self, name: str) -> str | None:
        """A header of the last request."""
        return self.asked[-1].headers[name]


def answer(
    asked: BaseHTTPRequestHandler,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"as you wish",
) -> None:
    asked.send_response(status)
    for name, value in (*headers, ("Content-Length", str(len(body)))):
        asked.send_header(name, value)
    asked.end_headers()
    if asked.command != "HEAD":
        asked.wfile.write(body)


class Quiet(ThreadingHTTPServer):
    """It says nothing of who went away."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def upstream() -> Iterator[Upstream]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            received.bodies.append(self.body())
            received.asked.append(self)
            received.answers(self)

        def body(self) -> bytes:
            if self.headers["Transfer-Encoding"] != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"] or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        do_GET = do_POST = do_HEAD = do_PUT = answer  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    received = Upstream(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Between:
    """A front, and who is behind it."""

    front: front.Front
    aws: Upstream
    server: Upstream

    def get(self, host: str | None, path: str = "/", **more: Any) -> requests.Response:
        """Ask under a host name."""
        return self.ask("GET", host, path, **more)

    def ask(self, method: str, host: str | None, path: str = "/", **more: Any) -> requests.Response:
        headers = {"Host": host, **more.pop("headers", {})}
        asked = {"allow_redirects": False, "headers": headers} | more
        return requests.request(method, self.front.url + path, timeout=20, **asked)

    def raw(self, said: bytes) -> bytes:
        """What comes back until the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.front.port), timeout=20) as link:
            link.sendall(said)
            return b"".join(iter(lambda: link.recv(65536), b""))


@pytest.fixture
def between() -> Iterator[Between]:
    with upstream() as aws, upstream() as server, front.running(aws.port, DOMAIN) as running:
        running.leads_to(f"{BALANCER}-0a1b2c3d.us-east-1.elb.amazonaws.com")
        running.server = server.port
        yield Between(running, aws, server)


@pytest.mark.parametrize(
    "host",
    [
        "ada.localhost",
        "ada.localhost:8080",
        "ada.play.test",
        "ada.play.test:443",
        "ADA.LocalHost:1",
    ],
)
def test_a_tables_host_leads_to_the_load_balancer_under_the_tables_own_name(
    between: Between, host: str
) -> None:
    said = between.get(host, "/join?a=%20b&a=c;d")
    assert (said.status_code, said.text) == (200, "as you wish")
    assert between.aws.asked[-1].path == f"/_alb/{BALANCER}/join?a=%20b&a=c;d"
    assert between.aws.asked[-1].headers.get_all("Host") == ["ada.play.test:443"]
    assert between.aws.header("X-Forwarded-Proto") == "https"
    assert between.aws.header("X-Forwarded-For") == "127.0.0.1"
    assert between.aws.header("Connection") == "close"
    assert not between.server.asked


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080",
        "localhost",
        "localhost:8080",
        "play.test",
        "a.b.localhost",
        "a.b.play.test",
        ".localhost",
        "ada.localhost.",
        "ada.localhost:",
        "ada.localhost:x",
        "ada_.localhost",
        "ada%2f.localhost",
        "ada.localhost.example",
        "ada.elsewhere.test",
        "[::1]:8080",
        "[::1]",
        "[fe80::1.localhost]",
        "",
    ],
)
def test_every_other_host_leads_to_the_server_as_it_was_sent(between: Between, host: str) -> None:
    said = between.get(host, "/status?x=%20y")
    assert (said.status_code, said.text) == (200, "as you wish")
    asked = between.server.asked[-1]
    assert asked.path == "/status?x=%20y"
    assert asked.headers["Host"] == host
    assert asked.headers["X-Forwarded-For"] is None
    assert not between.aws.asked


def test_who_names_no_host_is_answered_if_http_lets_it(between: Between) -> None:
    assert between.raw(b"GET / HTTP/1.0\r\n\r\n").endswith(b"as you wish")
    assert between.server.header("Host") == "127.0.0.1"
    refused = between.raw(b"GET / HTTP/1.1\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 400 ")
    two = between.raw(b"GET / HTTP/1.1\r\nHost: ada.localhost\r\nHost: localhost\r\n\r\n")
    assert two.startswith(b"HTTP/1.1 400 ")
    assert len(between.server.asked) == 1
    assert not between.aws.asked


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # the beginning of TLS
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        b"GET http://ada.localhost/ HTTP/1.1\r\nHost: ada.localhost\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_with_one_line(between: Between, said: bytes) -> None:
    head, _, line = between.raw(said).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))
    assert line.count(b"\n") == 1


@pytest.mark.parametrize(
    ("host", "sent", "arrived"),
    [
        ("ada.localhost:81", "http://ada.localhost:81", "https://ada.play.test"),
        ("ada.localhost:81", "http://ben.localhost:81/x?y", "https://ben.play.test/x?y"),
        ("ada.play.test:81", "http://ada.play.test:81/", "https://ada.play.test/"),
        ("ada.localhost", "http://ada.localhost", "https://ada.play.test"),
        ("ada.localhost:81", "http://ADA.localhost:81/#", "https://ADA.play.test/#"),
        ("ada.localhost:81", "http://ada.localhost:82", None),
        ("ada.localhost:81", "http://ada.localhost:811", None),
        ("ada.localhost:81", "https://ada.localhost:81", None),
        ("ada.localhost:81", "http://evil.example/?http://ada.localhost:81/", None),
        ("ada.localhost:81", "http://x.ada.localhost:81", None),
        ("ada.localhost:81", "null", None),
    ],
)
def test_what_comes_from_a_page_of_ours_comes_from_the_tables_own_address(
    between: Between, host: str, sent: str, arrived: str | None
) -> None:
    headers = {"Origin": sent, "Referer": sent}
    assert between.ask("POST", host, headers=headers).status_code == 200
    assert between.aws.header("Origin") == (arrived or sent)
    assert between.aws.header("Referer") == (arrived or sent)


def test_the_servers_own_pages_stay_what_they_are(between: Between) -> None:
    elsewhere = (("Location", "https://ada.play.test/"), ("Set-Cookie", "a=b; Secure"))
    between.server.answers = lambda asked: answer(asked, 302, elsewhere)
    said = between.get("localhost:81", headers={"Origin": "http://ada.localhost:81"})
    assert between.server.header("Origin") == "http://ada.localhost:81"
    assert said.headers["Location"] == "https://ada.play.test/"
    assert said.headers["Set-Cookie"] == "a=b; Secure"


@pytest.mark.parametrize(
    ("host", "sent", "arrived"),
    [
        ("ada.localhost:81", "https://ada.play.test/join", "http://ada.localhost:81/join"),
        ("ada.localhost:81", "https://ada.play.test:443?x", "http://ada.localhost:81?x"),
        ("ada.localhost:81", "https://ben.play.test", "http://ben.localhost:81"),
        ("Ada.play.test:81", "https://ada.play.test/#a", "http://ada.play.test:81/#a"),
        ("ada.localhost:81", "/license", None),
        ("ada.localhost:81", "https://play.test/", None),
        ("ada.localhost:81", "https://ada.play.test.example/", None),
        ("ada.localhost:81", "https://ada.play.test:444/", None),
        ("ada.localhost:81", "https://x.ada.play.test/", None),
    ],
)
def test_who_is_led_to_a_table_stays_on_this_machine(
    between: Between, host: str, sent: str, arrived: str | None
) -> None:
    between.aws.answers = lambda asked: answer(asked, 302, (("Location", sent),))
    assert between.get(host).headers["Location"] == (arrived or sent)


def test_cookies_pass_but_for_their_wish_for_tls(between: Between) -> None:
    cookies = (
        ("Set-Cookie", "a=1; Secure; HttpOnly"),
        ("Set-Cookie", "b=2; Path=/;secure"),
        ("Set-Cookie", "secure=3; Path=/secure; Expires=Wed, 09 Jun 2100 10:18:14 GMT"),
    )
    between.aws.answers = lambda asked: answer(asked, 200, cookies)
    said = between.get("ada.localhost", headers={"Cookie": "a=1; b=2"})
    assert between.aws.header("Cookie") == "a=1; b=2"
    assert said.raw.headers.getlist("Set-Cookie") == [
        "a=1; HttpOnly",
        "b=2; Path=/",
        "secure=3; Path=/secure; Expires=Wed, 09 Jun 2100 10:18:14 GMT",
    ]


def test_who_forwarded_before_is_kept_and_a_claim_of_tls_is_not(between: Between) -> None:
    claimed = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "ftp", "Upgrade": "websocket"}
    between.get("ada.localhost", headers=claimed)
    assert between.aws.header("X-Forwarded-For") == "192.0.2.1, 127.0.0.1"
    assert between.aws.asked[-1].headers.get_all("X-Forwarded-Proto") == ["https"]
    assert between.aws.header("Upgrade") is None


@pytest.mark.parametrize("host", ["ada.localhost", "localhost"])
def test_bodies_of_any_size_pass_both_ways(between: Between, host: str) -> None:
    behind = between.aws if "." in host else between.server
    behind.answers = lambda asked: answer(asked, body=behind.bodies[-1])
    for size in (0, 1, 65_536, 20 * MB):
        body = bytes(size)
        assert between.ask("POST", host, data=body).content == body
    in_parts = between.ask("PUT", host, data=iter([b"one", b"two" * MB]))
    assert in_parts.content == b"one" + b"two" * MB


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_end(between: Between, status: int) -> None:
    def bare(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(status)
        asked.end_headers()

    between.aws.answers = bare
    assert between.get("ada.localhost").status_code == status
    assert between.ask("HEAD", "localhost").headers["Content-Length"] == "11"


def test_a_connection_serves_one_host_after_the_other(between: Between) -> None:
    link = HTTPConnection("127.0.0.1", between.front.port, timeout=20)
    used = set()
    for host in ("ada.localhost", "localhost", "ben.localhost"):
        link.request("POST", "/", body=b"x", headers={"Host": host})
        used.add(link.sock.getsockname())
        assert link.getresponse().read() == b"as you wish"
    link.close()
    assert len(used) == 1
    assert len(between.aws.asked) == 2
    both = b"GET /%d HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    at_once = between.raw(both % (1, b"") + both % (2, b"Connection: close\r\n"))
    assert at_once.count(b"HTTP/1.1 200 ") == 2
    assert [asked.path for asked in between.server.asked[-2:]] == ["/1", "/2"]


def test_what_is_answered_part_by_part_arrives_so(between: Between) -> None:
    go_on = threading.Event()

    def slowly(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.send_header("Transfer-Encoding", "chunked")
        asked.end_headers()
        for part in (b"data: 1\n\n", b"data: 2\n\n"):
            asked.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            go_on.wait(20)
        asked.wfile.write(b"0\r\n\r\n")

    between.server.answers = slowly
    with between.get("localhost", stream=True) as said:
        parts = said.iter_content(None)
        assert next(parts) == b"data: 1\n\n"
        go_on.set()
        assert b"".join(parts) == b"data: 2\n\n"


def test_what_is_sent_part_by_part_arrives_so(between: Between) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        between.front.server = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", between.front.port), timeout=20) as link:
            link.sendall(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n"
                b"Expect: 100-continue\r\n\r\n"
            )
            behind, _ = listening.accept()
            with behind:
                behind.settimeout(20)
                assert b"expect: 100-continue" in heard(behind, b"\r\n\r\n").lower()
                behind.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                assert b"100" in heard(link, b"\r\n\r\n")
                link.sendall(b"one")
                assert heard(behind, b"one")
                link.sendall(b"two")
                assert heard(behind, b"two")
                behind.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                assert b"200 OK" in heard(link, b"\r\n\r\n")


def heard(link: socket.socket, until: bytes) -> bytes:
    said = b""
    while until not in said:
        part = link.recv(65536)
        assert part, said
        said += part
    return said


def test_an_answer_before_the_whole_request_arrives_and_ends_the_connection(
    between: Between,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        between.front.server = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", between.front.port), timeout=20) as link:
            link.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nhalf")
            behind, _ = listening.accept()
            with behind:
                heard(behind, b"half")
                behind.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")
                assert b"connection: close" in heard(link, b"\r\n\r\nno")
                link.sendall(b"more")
                assert link.recv(1) == b""


def test_who_goes_away_is_let_go_of_behind(between: Between) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        between.front.server = listening.getsockname()[1]
        for said in (  # while nothing is answered, amid an answer, and amid the request
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /begun HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf",
        ):
            link = socket.create_connection(("127.0.0.1", between.front.port), timeout=20)
            link.sendall(said)
            behind, _ = listening.accept()
            with behind:
                behind.settimeout(20)
                if b"begun" in said:
                    behind.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                    heard(link, b"half")
                link.close()
                while behind.recv(65536):
                    pass
    between.front.server = between.server.port
    assert between.get("localhost").status_code == 200


def test_who_is_down_gives_502_and_one_line(between: Between) -> None:
    between.front.server = between.front.aws = spare_port()
    for host, who in (("localhost", "server"), ("ada.localhost", "embedded AWS")):
        said = between.ask("POST", host, data=b"x" * MB)
        assert said.status_code == 502
        assert said.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert said.text == f"The {who} does not answer.\n"


@pytest.mark.parametrize("said", [b"", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\nCont"])
def test_who_hangs_up_before_the_answer_gives_502(between: Between, said: bytes) -> None:
    def hang_up(asked: BaseHTTPRequestHandler) -> None:
        asked.wfile.write(said)
        asked.close_connection = True

    between.aws.answers = hang_up
    got = between.get("ada.localhost")
    assert got.status_code == 502
    assert got.text.count("\n") == 1


@pytest.mark.parametrize("framing", ["Content-Length: 9", "Transfer-Encoding: chunked"])
def test_half_an_answer_is_not_taken_for_the_whole(between: Between, framing: str) -> None:
    def half(asked: BaseHTTPRequestHandler) -> None:
        asked.wfile.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n4\r\nhalf".encode())
        asked.close_connection = True

    between.aws.answers = half
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        between.get("ada.localhost")


def test_what_is_not_there_yet_is_said(between: Between) -> None:
    between.front.server = between.front.balancer = None
    assert between.get("localhost").text.startswith("The server is not started yet")
    asleep = between.get("ada.localhost")
    assert (asleep.status_code, asleep.text.count("\n")) == (503, 1)
    assert asleep.text.startswith("The stack is not deployed yet")


def test_a_tables_link_is_found_on_this_machine(between: Between) -> None:
    here = f"http://ada.localhost:{between.front.port}"
    assert between.front.link("https://ada.play.test") == here
    assert between.front.link("https://ada.play.test/?code=a-b") == f"{here}/?code=a-b"


def test_a_taken_port_is_one_clear_line_and_nothing_is_left_of_a_front(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = set(threading.enumerate())
    with front.running(spare_port(), DOMAIN) as first:
        taken = pytest.raises(LocalError, match=f"Port {first.port} cannot be had")
        with taken, front.running(spare_port(), DOMAIN, first.port):
            pass
        link = socket.create_connection(("127.0.0.1", first.port), timeout=20)
        link.sendall(b"GET / HTTP/1.1\r\n")
        time.sleep(0.1)
    assert link.recv(1) == b""
    link.close()
    assert set(threading.enumerate()) == before
    assert not caplog.records
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", first.port)) != 0


def test_what_goes_wrong_at_a_table_is_turned_on_and_off_by_a_page_of_the_fronts_own(tmp_path):
    with upstream() as aws, front.running(aws.port, DOMAIN) as running:
        running.leads_to(f"{BALANCER}-00.elb.test")
        running.switches = Switches(tmp_path)
        host, url = {"Host": f"ada.localhost:{running.port}"}, f"{running.url}/_stand-in"
        page = requests.get(url, headers=host, timeout=10)
        assert page.status_code == 200
        assert set(foundry.SWITCHES) <= set(re.findall('value="([a-z-]+)"', page.text))
        for form, does in (
            ({"does": "slow"}, "slow"),
            ({"does": ""}, ""),
            ({"does": "crash", "times": "2"}, "crash"),
        ):
            turned = requests.post(url, form, headers=host, timeout=10, allow_redirects=False)
            assert turned.headers["Location"] == "/_stand-in"
            assert foundry.switch_of(tmp_path, f"ada.{DOMAIN}") == does
            assert foundry.switch_of(tmp_path, f"ben.{DOMAIN}") == ""
        assert [foundry.switched(tmp_path, f"ada.{DOMAIN}", "crash") for _ in range(3)] == [
            "crash",
            "crash",
            "",
        ]
        for refused in ({"does": "sing"}, {}):
            assert requests.post(url, data=refused, headers=host, timeout=10).status_code == 400
        assert not aws.asked
        requests.get(f"{url}/else", headers=host, timeout=10)
        assert aws.asked

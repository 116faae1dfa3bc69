"""What a webhook leads to: its receiver, by its name, over TLS; and nothing that is not public, however named."""

from __future__ import annotations

import socket
import struct
import time

import pytest

from tests import world
from tests.webhook_receiver import receiver, signature_is_right
from tests.webhooks.conftest import PUBLIC, registered, shown
from tests.webhooks.test_registering import PRIVATE

pytestmark = pytest.mark.slow

HOUR = 3600


def why(queue, invoke):
    """What is said of a message that is given up."""
    queue.tell(at=int(time.time()) - HOUR)
    assert queue.carry() == 0
    return shown(invoke).get("lastError")


def timed(queue):
    """How many messages are left, and how long it took to know."""
    began = time.perf_counter()
    return queue.carry(), time.perf_counter() - began


# --- the way there


def test_on_the_web_a_receiver_is_reached_by_its_name_over_tls(invoke, queue, secure):
    made = registered(invoke, "https://hooks.play.example/hook")
    queue.tell()
    assert queue.carry() == 0
    (posted,) = secure.posted
    assert secure.names == ["hooks.play.example"]
    assert posted.headers["host"] == "hooks.play.example"
    assert signature_is_right(posted, made["secret"])


def test_a_port_of_its_own_is_a_part_of_the_host(invoke, queue, secure):
    registered(invoke, "https://hooks.play.example:8443/hook")
    queue.tell()
    assert queue.carry() == 0
    assert secure.posted[0].headers["host"] == "hooks.play.example:8443"


def test_the_next_address_of_a_name_is_tried_if_the_first_does_not_answer(
    invoke, queue, secure, internet
):
    internet.names["hooks.play.example"] = [["2606:4700::1", "8.8.8.8", PUBLIC]]
    registered(invoke, "https://hooks.play.example/")
    queue.tell()
    assert queue.carry() == 0
    assert internet.connected == ["2606:4700::1", "8.8.8.8", PUBLIC]


def test_whose_certificate_is_for_another_name_is_told_nothing(invoke, queue, secure, internet):
    internet.names["hooks.other.example"] = [[PUBLIC]]
    registered(invoke, "https://hooks.other.example/")
    assert why(queue, invoke) == "Its certificate is not valid."
    assert (secure.connections, secure.posted) == (1, [])


def test_whose_certificate_nobody_knows_is_told_nothing(invoke, queue, secure, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    world.new_process()
    registered(invoke, "https://hooks.play.example/")
    assert why(queue, invoke) == "Its certificate is not valid."
    assert secure.posted == []


def test_who_speaks_no_tls_could_not_be_reached(invoke, queue, internet):
    with receiver() as plain:
        plain.hangs_up()
        internet.names["hooks.play.example"] = [[PUBLIC]]
        internet.leads_to[PUBLIC] = plain.port
        registered(invoke, "https://hooks.play.example/")
        assert why(queue, invoke) == "It could not be reached."


def test_proxies_of_the_environment_are_not_asked(invoke, queue, hook, monkeypatch):
    registered(invoke, hook.url)
    with receiver() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        queue.tell()
        assert queue.carry() == 0
        assert (proxy.connections, len(hook.posted)) == (0, 1)


# --- where it must not lead


@pytest.fixture
def inside(internet):
    """Something that listens on this machine, which no webhook may reach."""
    with receiver() as made:
        yield made
    assert made.connections == 0
    assert not [address for address in internet.connected if address != PUBLIC]


def as_resolved(spelling):
    """An address as a resolver would say it, in whichever way somebody wrote it; None if it would not."""
    try:
        found = socket.getaddrinfo(spelling.strip("[]"), 0, flags=socket.AI_NUMERICHOST)
    except OSError:
        return None
    return found[0][4][0]


ADDRESSES = sorted({address for spelling in PRIVATE if (address := as_resolved(spelling))})


def test_the_spellings_are_some_that_resolvers_understand():
    assert len(ADDRESSES) > 35
    assert "127.0.0.1" in ADDRESSES


@pytest.mark.parametrize("address", [*ADDRESSES, "fe80::1%1", "::ffff:10.0.0.1"])
def test_a_name_that_leads_to_what_is_not_public_leads_nowhere(
    invoke, queue, internet, inside, address
):
    internet.names["127.0.0.1.nip.io"] = [[address]]
    registered(invoke, f"https://127.0.0.1.nip.io:{inside.port}/")
    assert why(queue, invoke) == "Its host has no public address."


def test_of_a_name_with_several_addresses_only_public_ones_are_tried(
    invoke, queue, internet, inside
):
    internet.names["hooks.example.com"] = [["127.0.0.1", PUBLIC, "::1", "10.0.0.1"]]
    registered(invoke, f"https://hooks.example.com:{inside.port}/")
    assert why(queue, invoke) == "It could not be reached."
    assert internet.connected == [PUBLIC]


def test_a_name_is_asked_for_once_so_that_it_cannot_lead_elsewhere_the_second_time(
    invoke, queue, internet, inside
):
    internet.names["rebinding.example"] = [[PUBLIC], ["127.0.0.1"]]
    registered(invoke, f"https://rebinding.example:{inside.port}/")
    queue.tell()
    assert queue.carry() == 1
    assert internet.asked == ["rebinding.example"]
    assert internet.connected == [PUBLIC]


def test_a_name_that_leads_elsewhere_by_the_next_attempt_is_looked_at_again(
    invoke, queue, internet, inside, freezer
):
    internet.names["rebinding.example"] = [[PUBLIC], ["127.0.0.1"]]
    registered(invoke, f"https://rebinding.example:{inside.port}/")
    queue.tell()
    queue.carry()
    freezer.tick(60)
    queue.carry()
    assert internet.asked == ["rebinding.example"] * 2
    assert internet.connected == [PUBLIC]


@pytest.mark.parametrize("host", PRIVATE)
def test_an_address_in_the_table_is_refused_however_it_came_there(
    invoke, queue, internet, inside, host
):
    """As if it had been registered by rules that were less strict."""
    made = registered(invoke, "https://hooks.example.com/")
    world.client("dynamodb").update_item(
        TableName=world.table_of("webhooks"),
        Key={"userId": {"S": "100000000000000007"}, "webhookId": {"S": made["id"]}},
        UpdateExpression="SET #url = :url",
        ExpressionAttributeNames={"#url": "url"},
        ExpressionAttributeValues={":url": {"S": f"https://{host}:{inside.port}/"}},
    )
    assert "address" in why(queue, invoke)
    assert internet.asked == []


def test_what_the_sandbox_took_is_not_reached_outside_of_it(
    invoke, queue, hook, monkeypatch, internet
):
    registered(invoke, hook.url)
    monkeypatch.setenv("SANDBOX", "false")
    world.new_process()
    assert why(queue, invoke) == "Send a URL that begins with https://."
    assert hook.connections == 0


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "0.0.0.0", "::ffff:10.0.0.1"])  # noqa: S104
def test_the_sandbox_reaches_this_machine_and_nothing_else_that_is_private(
    invoke, queue, hook, internet, address
):
    internet.names["hooks.example.com"] = [[address], ["127.0.0.1"]]
    registered(invoke, f"http://hooks.example.com:{hook.port}/")
    assert why(queue, invoke) == "Its host has no public address."
    queue.tell()
    assert queue.carry() == 0
    assert len(hook.posted) == 1


def test_a_name_that_there_is_not_has_no_address(invoke, queue, internet):
    registered(invoke, "https://nobody.example/")
    assert why(queue, invoke) == "Its host has no public address."


@pytest.mark.slow
def test_a_resolver_that_does_not_answer_is_waited_for_for_five_seconds(
    invoke, queue, hook, monkeypatch
):
    registered(invoke, hook.url)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hook.stopped.wait(20))
    queue.tell()
    left, seconds = timed(queue)
    assert left == 1
    assert 4.9 < seconds < 6


@pytest.mark.parametrize("location", ["/other", "http://127.0.0.1:{}/", "http://169.254.169.254/"])
def test_nobody_is_led_anywhere_else_by_an_answer(invoke, queue, hook, location):
    registered(invoke, hook.url)
    with receiver() as other:
        there = location.format(other.port).encode()
        hook.says(b"HTTP/1.1 302 Found\r\nLocation: " + there + b"\r\n\r\n")
        assert why(queue, invoke) == "It answered with status 302."
        assert (other.connections, len(hook.posted)) == (0, 1)


# --- whoever answers as one should not


@pytest.mark.slow
def test_an_answer_that_does_not_come_is_waited_for_for_five_seconds(invoke, queue, hook):
    registered(invoke, hook.url)
    hook.answers = lambda _: hook.stopped.wait(20)
    queue.tell()
    left, seconds = timed(queue)
    assert left == 1
    assert 4.9 < seconds < 6


@pytest.mark.slow
def test_an_answer_that_comes_in_drops_is_waited_for_for_ten_seconds(invoke, queue, hook):
    registered(invoke, hook.url)
    hook.goes_on(b" ", 0.5)
    queue.tell()
    left, seconds = timed(queue)
    assert left == 1
    assert 9.9 < seconds < 11


def test_of_an_answer_without_end_no_more_is_read_than_its_status(invoke, queue, hook):
    registered(invoke, hook.url)
    hook.goes_on(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 65_536, 0)
    queue.tell()
    left, seconds = timed(queue)
    assert left == 0
    assert seconds < 2


def test_of_headers_without_end_no_more_is_read_than_a_kilobyte(invoke, queue, hook):
    registered(invoke, hook.url)
    hook.goes_on(b"x-more: of it\r\n" * 1000, 0)
    began = time.perf_counter()
    assert why(queue, invoke) == "It did not answer in HTTP."
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "said",
    [
        b"\r\n",
        b"x" * 2000,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 20",
        b"HTTP/1.1 2000 OK\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b" HTTP/1.1 200 OK\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ],
)
def test_what_is_no_answer_in_http_takes_nothing(invoke, queue, hook, said):
    registered(invoke, hook.url)
    hook.says(said)
    assert why(queue, invoke) == "It did not answer in HTTP."


def test_who_is_not_there_or_hangs_up_could_not_be_reached(invoke, queue, hook):
    registered(invoke, hook.url)
    hook.answers = lambda link: link.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    assert why(queue, invoke) == "It could not be reached."
    hook.closes()
    assert why(queue, invoke) == "It could not be reached."


def test_neither_urls_nor_secrets_nor_addresses_reach_the_log(invoke, queue, secure, capsys):
    secure.answers_with(500)
    made = registered(invoke, "https://hooks.play.example/hook?token=of-ada")
    assert why(queue, invoke) == "It answered with status 500."
    log = capsys.readouterr().out
    assert "a webhook did not take a message" in log
    for hidden in ("of-ada", made["secret"].removeprefix("whsec_"), PUBLIC, world.WEBHOOK_KEY):
        assert hidden not in log

"""Webhooks are registered, listed and deleted by whose they are, ten at most, and their secrets are said once."""

from __future__ import annotations

import json
import time
from base64 import b64decode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.webhook_targets import target_of
from tests import world
from tests.aws_calls import AFTER, AWS, BEFORE
from tests.webhooks.conftest import ADA, BEN, registered

pytestmark = pytest.mark.slow

URL = "https://hooks.example.com/functions"
ALL = ["function.created", "function.updated", "function.deleted", "function.invoked"]


def listed(invoke, user=ADA):
    answer = invoke("webhook-list", userId=user)
    assert answer["success"]
    return answer["webhooks"]


def stored():
    return [item for item in world.items("webhooks") if "url" in item]


def test_a_webhook_is_told_of_everything_unless_some_events_are_named(invoke, freezer):
    freezer.move_to("2026-11-21T20:00:00Z")
    made = registered(invoke, URL)
    assert made == {
        "id": made["id"],
        "url": URL,
        "events": ALL,
        "createdAt": int(time.time()),
        "secret": made["secret"],
    }
    some = registered(invoke, f"{URL}/2", events=["function.deleted", "function.created"])
    assert some["events"] == ["function.created", "function.deleted"]


def test_the_list_has_the_latest_first_and_no_secrets(invoke, freezer):
    made = []
    for number in range(3):
        freezer.tick(1)
        made.append(registered(invoke, f"{URL}/{number}"))
    without = [{n: v for n, v in each.items() if n != "secret"} for each in reversed(made)]
    assert listed(invoke) == without
    assert listed(invoke, BEN) == []


def test_what_is_deleted_is_gone_and_cannot_be_deleted_again(invoke):
    made = registered(invoke, URL)
    assert invoke("webhook-delete", userId=ADA, id=made["id"])["success"]
    assert listed(invoke) == []
    again = invoke("webhook-delete", userId=ADA, id=made["id"])
    assert (again["errorCode"], again["error"]) == (
        "RESOURCE_NOT_FOUND",
        f"webhook '{made['id']}' not found",
    )


@pytest.mark.parametrize("name", ["count", "wh_", "url:", "x" * 255])
def test_nothing_else_in_the_table_can_be_deleted(invoke, name):
    registered(invoke, URL)
    before = world.items("webhooks")
    claim = next(i["webhookId"] for i in before if i["webhookId"].startswith("url:"))
    for asked in (name, claim):
        answer = invoke("webhook-delete", userId=ADA, id=asked)
        assert answer["errorCode"] == "RESOURCE_NOT_FOUND"
    assert world.items("webhooks") == before


def test_nobody_deletes_the_webhook_of_another(invoke):
    made = registered(invoke, URL)
    assert invoke("webhook-delete", userId=BEN, id=made["id"])["errorCode"] == "RESOURCE_NOT_FOUND"
    assert len(listed(invoke)) == 1


def test_a_url_has_one_webhook_of_a_member_until_that_is_deleted(invoke):
    made = registered(invoke, URL)
    again = invoke("webhook-create", userId=ADA, url=URL, events=["function.created"])
    assert again["errorCode"] == "RESOURCE_CONFLICT"
    registered(invoke, URL, user=BEN)
    invoke("webhook-delete", userId=ADA, id=made["id"])
    other = registered(invoke, URL)
    assert other["id"] != made["id"]
    assert other["secret"] != made["secret"]


def test_a_member_has_ten_webhooks_at_most(invoke):
    made = [registered(invoke, f"{URL}/{number}") for number in range(10)]
    beyond = invoke("webhook-create", userId=ADA, url=URL)
    assert beyond["errorCode"] == "RESOURCE_CONFLICT"
    assert beyond["details"]["mostWebhooks"] == 10
    registered(invoke, URL, user=BEN)
    invoke("webhook-delete", userId=ADA, id=made[3]["id"])
    registered(invoke, URL)
    assert len(listed(invoke)) == 10


def test_the_tenth_webhook_is_one_also_for_those_who_ask_at_once(invoke, meanwhile):
    for number in range(9):
        registered(invoke, f"{URL}/{number}")
    with meanwhile("TransactWriteItems", lambda: registered(invoke, URL)):
        late = invoke("webhook-create", userId=ADA, url=f"{URL}/late")
    assert late["errorCode"] == "RESOURCE_CONFLICT"
    assert len(stored()) == 10


def test_of_two_who_delete_at_once_one_is_told_that_it_is_gone(invoke, meanwhile):
    made = registered(invoke, URL)
    asked = {"userId": ADA, "id": made["id"]}
    with meanwhile("TransactWriteItems", lambda: invoke("webhook-delete", **asked)):
        assert invoke("webhook-delete", **asked)["errorCode"] == "RESOURCE_NOT_FOUND"
    for number in range(10):
        registered(invoke, f"{URL}/{number}")  # it was counted once


@pytest.mark.parametrize("mode", [BEFORE, AFTER])
def test_a_webhook_whose_answer_was_lost_is_registered_once(invoke, meanwhile, mode):
    with meanwhile("TransactWriteItems", mode=mode):
        assert not invoke("webhook-create", userId=ADA, url=URL)["success"]
    again = invoke("webhook-create", userId=ADA, url=URL)
    assert again["success"] is (mode == BEFORE)
    assert len(listed(invoke)) == 1


def test_a_secret_is_long_each_webhooks_own_and_kept_nowhere(invoke, capsys):
    made = [registered(invoke, f"{URL}/{number}") for number in range(3)]
    secrets = {each["secret"] for each in made}
    assert len(secrets) == 3
    shown = repr(world.items("webhooks")) + capsys.readouterr().out
    for secret in secrets:
        assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
        assert secret.removeprefix("whsec_") not in shown
    assert URL not in capsys.readouterr().out


def test_without_the_key_nothing_is_registered_and_the_log_holds_nothing_like_a_secret(
    invoke, meanwhile, capsys
):
    world.new_process()
    with meanwhile("GetSecretValue", mode=BEFORE):
        assert not invoke("webhook-create", userId=ADA, url=URL)["success"]
    assert stored() == []
    log = capsys.readouterr().out
    assert "webhook_delivery.py" in log  # the traceback is there
    assert "whsec_" not in log


def test_the_key_of_all_secrets_is_read_once_in_five_minutes(invoke, freezer):
    AWS.begin()
    for number in range(3):
        registered(invoke, f"{URL}/{number}")
    freezer.tick(301)
    registered(invoke, URL)
    assert sum(call.name == "secretsmanager.GetSecretValue" for call in AWS.calls) == 2


@pytest.mark.parametrize("events", [[], ["function.forgotten"], ["*"], "function.created", ALL * 2])
def test_events_that_there_are_not_cannot_be_asked_for(invoke, events):
    answer = invoke("webhook-create", userId=ADA, url=URL, events=events)
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"].startswith("events")


GOOD = [
    "https://example.com",
    "https://example.com/",
    "https://EXAMPLE.com/Hook?token=a%20b&c=d",
    "https://example.com?a=b",
    "https://hooks.example.co.uk:8443/a/b;c=d/~e",
    "https://under_score.example.com/",
    "https://xn--bcher-kva.example/",
    "https://example.com:443/",
    "https://example.com:65535/",
    "https://8.8.8.8/hook",
    "https://[2606:4700:4700::1111]:1024/",
    "https://127.0.0.1.nip.io/",  # a name like any other: what it leads to is looked at when it is posted to
    "https://example.com/" + "a" * 2028,
]
BAD = [
    "",
    "x",
    "http://example.com/",
    "ftp://example.com/",
    "HTTPS://example.com/",
    "//example.com/",
    "https:example.com",
    "https:///hook",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:80/",
    "https://example.com:1023/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:99999/",
    "https://example.com:/",
    "https://example.com:٤٤٣/",
    "https://example.com/#fragment",
    "https://example.com/a b",
    "https://example.com/\r\nHost: other.example",
    "https://example.com/\x00",
    "https://example.com\\@127.0.0.1/",
    "https://bücher.example/",
    "https://example.com/grüße",
    "https://example。com/",
    "https://example..com/",
    "https://.example.com/",
    "https://example.com./",
    "https://-example.com/",
    "https://example-.com/",
    "https://" + "a" * 64 + ".example.com/",
    "https://" + "a." * 127 + "com/",
    "https://localhost/",
    "https://intranet/",
    "https://example.com/" + "a" * 2029,
    " https://example.com/",
    "https://example.com/ ",
    "https://exa%6dple.com/",
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
    "https://[example.com]/",
    "https://::1/",
    "https://1.2.3/",
    "https://134744072/",
]
# This machine, its network and what belongs to nobody, in each spelling that some resolver takes.
PRIVATE = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7F.1",
    "127.0.0.0x1",
    "0",
    "0.0.0.0",  # noqa: S104 - nothing is bound here
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.192",
    "192.88.99.1",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "256.256.256.256",
    "8.8.8.8.8",
    "08.8.8.8",
    "[::]",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::8.8.8.8]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2002:808:808::1]",
    "[2001::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[ff0e::1]",
    "[100::1]",
    "[5f00::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
]


@pytest.mark.parametrize("url", GOOD)
def test_a_url_of_the_web_is_taken_as_it_is_written(invoke, url):
    assert registered(invoke, url)["url"] == url


@pytest.mark.parametrize("url", [*BAD, *(f"https://{host}/" for host in PRIVATE)], ids=ascii)
def test_any_other_url_is_refused_and_the_refusal_does_not_repeat_it(invoke, url):
    answer = invoke("webhook-create", userId=ADA, url=url)
    assert (answer["errorCode"], answer["details"]["field"]) == ("VALIDATION_ERROR", "url")
    assert len(url) < 10 or url not in str(answer)
    assert stored() == []


@pytest.mark.parametrize("url", [None, 7, ["https://example.com"], {"href": URL}])
def test_what_is_no_text_is_no_url(invoke, url):
    answer = invoke("webhook-create", userId=ADA, url=url)
    assert (answer["errorCode"], answer["details"]["field"]) == ("VALIDATION_ERROR", "url")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/hook",
        "http://localhost:3000/",
        "http://[::1]:8080/",
        "http://a.example/",
    ],
)
def test_in_the_sandbox_http_and_this_machine_are_taken(invoke, sandbox, url):
    assert registered(invoke, url)["url"] == url


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1:8080/", "http://169.254.169.254/", "http://127.1:8080/", "ftp://a.example/"],
)
def test_the_sandbox_takes_nothing_else(invoke, sandbox, url):
    assert invoke("webhook-create", userId=ADA, url=url)["errorCode"] == "VALIDATION_ERROR"


pieces = st.one_of(
    st.sampled_from(
        ["https://", "http://", "@", ":", "/", "?", "#", "\\", "[", "]", ".", "%", "\r\n", " "]
    ),
    st.sampled_from(["example.com", "127.0.0.1", "::1", "localhost", "0x7f", "443", "a", "-", "_"]),
    st.text(max_size=5),
)


@given(st.lists(pieces, max_size=12).map("".join), st.booleans())
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_taken_for_a_url_makes_one_request_to_one_host(text, sandbox):
    try:
        target = target_of(text, sandbox=sandbox)
    except ValueError:
        return
    sent = f"POST {target.asked} HTTP/1.1\r\nHost: {target.authority}\r\n"
    assert len(sent.split()) == 5
    assert sent.count("\r") == sent.count("\n") == 2
    assert sent.isascii()
    assert target.asked.startswith("/")
    assert target.scheme == "https" or sandbox
    assert target.port in (80, 443) or 1024 <= target.port <= 65535
    assert not set("@/?#\\ ") & set(target.authority)


def test_what_a_member_gives_is_json_in_any_case(invoke):
    assert json.dumps(invoke("webhook-create", userId=ADA, url="\ud800"))

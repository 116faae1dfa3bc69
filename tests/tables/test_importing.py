"""A table's import page: who has the link uploads an archive there, and can do nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
import requests

from actions.instances.fitness import Why
from actions.saves.begin_import import LARGEST
from actions.saves.tickets import SECONDS
from handler.http.import_words import ENGLISH, GERMAN
from handler.http.table_words import LANGUAGES
from tests import world
from tests.actions_that_read import writing
from tests.aws_calls import AWS
from tests.file_tasks import FOUND, Files
from tests.tables.visiting import BROWSER, HOST, Page, visit
from tests.world import DOMAIN, SAVES

pytestmark = pytest.mark.slow

MIB = 2**20
SIZE = 17 * MIB  # two parts
POLICY = "content-security-policy"
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
WORD = re.compile(r"words\.(\w+)")
FILLED = re.compile(r"\{\d\}")
# By which a script could make elements of a text, or run it.
TEXT_AS_HTML = re.compile(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(")


@pytest.fixture
def ticket(invoke, ada):
    """What is in Ada's link."""
    return ticket_in(invoke("import-link", userId=ada)["url"])


def ticket_in(link):
    return urlsplit(link).fragment


def ask(ticket, host=HOST, **fields):
    """As the page's script does; `headers` are other ones."""
    sent = {
        "origin": f"https://{host}",
        "sec_fetch_site": "same-origin",
        "content_type": "application/json",
    } | fields.pop("headers", {})
    body = json.dumps({"ticket": ticket, **fields}).encode()
    return visit("/_import", "POST", host=host, body=body, **sent)


def put(part):
    assert requests.put(part["url"], data=b"x" * part["bytes"], timeout=30).status_code == 200


# --- the way of an archive


def test_whoever_has_the_link_uploads_an_archive_sees_what_is_in_it_and_has_it_taken_in(
    invoke, ecs, freezer, ada, ticket
):
    files = Files()
    begun = ask(ticket, bytes=SIZE).json
    assert [part["bytes"] for part in begun["parts"]] == [16 * MIB, MIB]
    for part in begun["parts"]:
        put(part)
    looked_into = ask(ticket, bytes=SIZE).json
    assert not {"parts", "packages"} & looked_into.keys()
    carry_out(files, ecs)
    found = ask(ticket, bytes=SIZE).json
    assert found["packages"] == FOUND["packages"]
    for _ in range(2):  # the first answer may be lost
        assert ask(ticket, importId=found["importId"]).status == 200
    carry_out(files, ecs)
    assert ask(ticket, importId=found["importId"]).status == 200
    assert "taken in" in invoke("status", userId=ada)["message"]
    carry_out(files, ecs)
    told = [call["kind"] for call in AWS.queue if call.get("action") == "send-notification"]
    assert told.count("imported") == 1


def carry_out(files, ecs):
    task = ecs.only_task()
    ecs.comes_up(task)
    files.carry_out(task)
    ecs.ends(task)


def test_after_a_while_away_only_what_is_missing_is_asked_for_and_at_new_addresses(ticket, freezer):
    first, second = ask(ticket, bytes=SIZE).json["parts"]
    put(first)
    freezer.tick(7200)
    (missing,) = ask(ticket, bytes=SIZE).json["parts"]
    assert missing["number"] == second["number"]
    assert missing["url"] != second["url"]


def test_another_file_of_the_same_size_begins_anew_if_that_is_wanted(ticket):
    begun = ask(ticket, bytes=SIZE).json["importId"]
    assert ask(ticket, bytes=SIZE).json["importId"] == begun
    assert ask(ticket, bytes=SIZE, startOver=True).json["importId"] != begun


@pytest.mark.parametrize(("size", "is_told"), [(SIZE, True), (SIZE + 1, False)])
def test_why_an_archive_was_not_let_in_is_told_to_who_asks_for_it_again(ecs, ticket, size, is_told):
    files = Files()
    for part in ask(ticket, bytes=SIZE).json["parts"]:
        put(part)
    ask(ticket, bytes=SIZE)
    task = ecs.only_task()
    ecs.comes_up(task)
    files.fail(task, "unsafe", detail="A name leads elsewhere: <b>../x</b>")
    ecs.ends(task, exit_code=1)
    why = "It holds something that is not let in. A name leads elsewhere: <b>../x</b>"
    assert ask(ticket, bytes=size).json.get("refused") == (why if is_told else None)
    assert "refused" not in ask(ticket, bytes=size).json, "it may be sent all the same"


# --- the link


def test_the_link_leads_to_the_tables_own_host_and_its_ticket_gets_into_no_request(invoke, ada):
    answer = invoke("import-link", userId=ada)
    link = urlsplit(answer["url"])
    assert (link.scheme, link.netloc, link.path, link.query) == ("https", HOST, "/_import", "")
    assert link.fragment
    assert invoke("import-link", userId="eve")["errorCode"] == "RESOURCE_NOT_FOUND"


def test_a_link_is_good_for_a_day_and_another_does_not_end_it(invoke, freezer, ada):
    first = invoke("import-link", userId=ada)
    freezer.tick(SECONDS - 1)
    second = ticket_in(invoke("import-link", userId=ada)["url"])
    assert ask(ticket_in(first["url"]), bytes=SIZE).status == 200
    freezer.tick(1)
    assert first["until"] == int(time.time())
    assert ask(ticket_in(first["url"]), bytes=SIZE).status == 403
    assert ask(second, bytes=SIZE).status == 200


def test_nothing_is_kept_of_a_link_and_no_line_of_the_log_has_it(invoke, ada, ticket, capsys):
    assert ask(ticket, bytes=SIZE).status == 200
    assert ask(ticket[:-1], bytes=SIZE).status == 403
    kept = str({table: world.items(table) for table in world.TABLES})
    logged = capsys.readouterr().out
    assert '"table/_import"' in logged
    for secret in (ticket, ticket[:-1], ticket.partition(".")[2]):
        assert secret not in kept + logged


def test_what_somebody_does_by_a_link_is_in_the_log_under_the_members_name(ada, ticket, capsys):
    ask(ticket, bytes=SIZE)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (answered,) = (line for line in lines if line["message"] == "answered")
    assert (answered["action"], answered["userId"]) == ("begin-import", ada)


# --- what is refused


def test_who_has_no_good_ticket_is_told_the_way_out(invoke, ada, ticket):
    refused = ask(f"{ticket}x", bytes=SIZE)
    assert refused.status == 403
    assert (
        "Ask for a new one with import-link, in Discord with /saves import."
        in refused.json["error"]
    )
    german = ask(f"{ticket}x", bytes=SIZE, headers={"accept_language": "de"})
    assert german.json["error"] == GERMAN.refusals["BadTicket"]


def test_of_a_ticket_that_is_made_up_nothing_is_looked_up(ada):
    AWS.begin()
    for made_up in ("", "x", "1.2", None, 7, ["x"], {"a": "b"}):
        assert ask(made_up, bytes=SIZE).status == 403
    assert [call.name for call in AWS.calls] == []
    AWS.end()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": f"https://ben.{DOMAIN}"},
        {"origin": "null"},
        {"origin": ""},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
    ids=str,
)
def test_no_other_page_imports_with_a_ticket_that_it_has_got_hold_of(ada, ticket, headers):
    AWS.begin()
    assert ask(ticket, bytes=SIZE, headers=headers).status == 403
    assert [call.name for call in AWS.calls] == []
    AWS.end()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'"x"', "application/json"),
        (b"[" * 4000, "application/json"),
        (b'{"ticket": "' + b"x" * 5000 + b'"}', "application/json"),
        (b'{"ticket": ', "application/json"),
        (b'{"ticket": "x"}', "text/plain"),
        (b"ticket=x", "application/x-www-form-urlencoded"),
    ],
)
def test_what_the_page_does_not_send_is_refused(ada, body, kind):
    sent = {"origin": f"https://{HOST}", "sec_fetch_site": "same-origin", "content_type": kind}
    for shape in ("alb", "alb_multi_value"):
        answer = visit("/_import", "POST", body=body, headers=BROWSER, shape=shape, **sent)
        assert answer.status == 400
        assert answer.json["error"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"bytes": 0},
        {"bytes": "17"},
        {"bytes": 10**12},
        {"bytes": True},
        {"importId": "../x"},
        {"importId": None},
    ],
    ids=str,
)
def test_what_imports_do_not_take_is_refused_in_words(ada, ticket, fields):
    refused = ask(ticket, **fields)
    assert refused.status == 400
    assert refused.json["error"]


def test_a_server_that_is_played_on_is_not_looked_into_and_the_page_says_what_to_do(
    invoke, ecs, ada, ticket
):
    for part in ask(ticket, bytes=SIZE).json["parts"]:
        put(part)
    assert invoke("start-instance", userId=ada)["success"]
    ecs.comes_up(ecs.only_task())
    refused = ask(ticket, bytes=SIZE)
    assert refused.status == 409
    assert "Stop it" in refused.json["error"]
    german = ask(ticket, bytes=SIZE, headers={"accept_language": "de"})
    assert german.json["error"] == GERMAN.refusals["WrongState"]


def test_a_refusal_without_german_words_is_repeated_after_some(ada, ticket, monkeypatch):
    monkeypatch.setenv("MEMBER_GB", "1")
    world.new_process()
    refused = ask(ticket, bytes=10**10, headers={"accept_language": "de"})
    assert refused.status == 409
    assert refused.json["error"].startswith("Das geht gerade nicht: Your files have 0 bytes")


def test_an_archive_that_is_too_large_is_refused_in_words(ada, ticket):
    refused = ask(ticket, bytes=LARGEST + 1)
    assert (refused.status, refused.json["error"]) == (400, ENGLISH.refusals["InvalidRequest"])
    most = f"{LARGEST // 10**9} GB"
    for words in (ENGLISH, GERMAN):
        assert most in words.kinds
        assert most in words.refusals["InvalidRequest"]


def test_imports_by_links_count_among_the_changes_of_the_day(invoke, ada, ticket, monkeypatch):
    monkeypatch.setenv("DAILY_USES", "10000,10000,10000,1")
    world.new_process()
    assert ask(ticket, bytes=SIZE).status == 200
    assert ask(ticket, bytes=SIZE + 1).status == 429


def test_what_goes_wrong_inside_is_said_calmly_and_with_the_request_id(ada, ticket, capsys):
    world.client("dynamodb").delete_table(TableName=world.table_of("instances"))
    world.new_process()
    answer = ask(ticket, bytes=SIZE)
    assert answer.status == 500
    assert answer.json["error"] == ENGLISH.trouble.format(answer.headers["x-request-id"])
    assert "ResourceNotFoundException" in capsys.readouterr().out


# --- the page


@pytest.mark.parametrize("shape", ["alb", "alb_multi_value"])
def test_the_page_is_the_same_for_everybody_and_costs_no_call(ada, shape):
    visit("/_import")
    AWS.begin()
    shown = Page.of(visit("/_import", shape=shape))
    assert visit("/_import", "HEAD", shape=shape).body == b""
    assert [call.name for call in AWS.calls] == []
    AWS.end()
    assert shown.text.startswith(f"Import: {HOST}")


def test_getting_the_page_changes_nothing_whatever_is_in_its_address(ada, ticket):
    AWS.begin()
    for query in (f"ticket={ticket}&bytes=1000", "importId=0123456789ab"):
        assert visit("/_import", query=query).status == 200
    assert writing(call.name for call in AWS.calls) == []
    AWS.end()


def test_the_pages_address_takes_nothing_else(ada):
    for method in ("PUT", "DELETE", "OPTIONS"):
        answer = visit("/_import", method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_the_policy_lets_the_page_run_its_script_and_reach_its_host_and_the_uploads(ada, ticket):
    answer = visit("/_import")
    policy = {d.split()[0]: d.split()[1:] for d in answer.headers[POLICY].split("; ")}
    text = answer.body.decode()
    for kind, inline in (("script-src", SCRIPT), ("style-src", STYLE)):
        (content,) = inline.findall(text)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[kind] == [f"'sha256-{digest}'"]
    for kind in ("default-src", "frame-ancestors", "base-uri", "form-action"):
        assert policy[kind] == ["'none'"]
    put_to = {urlsplit(part["url"]) for part in ask(ticket, bytes=SIZE).json["parts"]}
    origins = {f"{address.scheme}://{address.netloc}" for address in put_to}
    assert policy["connect-src"] == ["'self'", *origins]
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("region", "origin"),
    [
        ("us-east-1", f"https://{SAVES}.s3.amazonaws.com"),
        ("eu-central-1", f"https://{SAVES}.s3.eu-central-1.amazonaws.com"),
    ],
)
def test_parts_go_to_the_region_itself_since_no_browser_follows_where_a_preflight_leads(
    aws, region, origin
):
    """S3 leads from the name for all regions to the bucket's (Making requests using the REST API)."""
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from handler.app import platform; print(platform().uploads.origin)",
        ],
        env={**os.environ, "AWS_DEFAULT_REGION": region},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == origin


def test_what_an_archive_says_of_itself_is_text_to_the_script(aws):
    (script,) = SCRIPT.findall(visit_anyone().body.decode())
    assert not TEXT_AS_HTML.search(script)


def visit_anyone():
    return visit("/_import", host=f"nobody.{DOMAIN}")


def test_the_page_is_one_for_keyboards_and_screen_readers(ada):
    shown = Page.of(visit("/_import"))
    assert shown.all("html")[0]["lang"] == "en"
    assert [a.get("role") for _, a in shown.elements if a.get("role")] == ["status"]
    assert len(shown.all("main")) == len(shown.all("h1")) == 1
    labelled = {label["for"] for label in shown.all("label")}
    assert labelled == {a["id"] for tag, a in shown.elements if tag in ("input", "progress")}
    assert shown.all("noscript")
    for region in shown.all("section"):
        assert "hidden" in region
    assert not any(
        name.startswith("on") or name == "style" for _, a in shown.elements for name in a
    )


def test_each_language_has_the_same_words_and_the_script_none_that_they_lack(aws):
    english, german = vars(ENGLISH), vars(GERMAN)
    assert LANGUAGES.keys() == {ENGLISH.language, GERMAN.language}
    for name, words in english.items():
        if isinstance(words, str):
            assert words != german[name], name
            assert FILLED.findall(words) == FILLED.findall(german[name]), name
        elif name != "refusals":
            assert words.keys() == german[name].keys(), name
    assert set(ENGLISH.why) == set(Why.__args__)  # type: ignore[attr-defined]
    (script,) = SCRIPT.findall(visit_anyone().body.decode())
    assert set(WORD.findall(script)) <= english.keys()


def test_the_page_is_in_the_language_that_the_browser_asks_for(ada):
    german = Page.of(visit("/_import", accept_language="de-AT,de;q=0.9"))
    assert german.all("html")[0]["lang"] == "de"
    assert GERMAN.kinds in german.text

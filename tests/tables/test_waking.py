"""Who wakes a table, by what, how often, and what is said to whom it is refused."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.instances.waking import is_code
from actions.tables import nonces
from actions.tables.wake_table import _BY_ADDRESS, _BY_TABLE, _WRONG_BY_TABLE
from handler import app
from handler.http.table_words import GERMAN
from tests import world
from tests.actions_that_read import writing
from tests.aws_calls import AFTER, AWS, BEFORE
from tests.file_tasks import Files
from tests.http.issuing import own
from tests.http.shapes import ask
from tests.kofi.webhooks import payload
from tests.tables.conftest import code_in
from tests.tables.visiting import BROWSER, HOST, Page, state, submit, visit, wake
from tests.world import DOMAIN, sample

pytestmark = pytest.mark.slow

HOUR = 3600


def nonce(**more):
    """What a fresh page has in its form."""
    return Page.of(visit(**more)).fields["nonce"]


# --- who, and with which code


def test_whoever_has_the_code_wakes_the_table(invoke, ecs, ada, code):
    assert "This table is asleep." in Page.of(visit()).text
    assert state()["phase"] == "asleep"
    woken = wake(code)
    assert (woken.status, woken.headers["location"], woken.body) == (303, "/", b"")
    assert ecs.only_task()
    assert "A machine is being found." in Page.of(visit()).text
    assert invoke("status", userId=ada)["status"] == "starting"


def test_a_new_table_is_woken_by_its_code_and_its_owner_alone_is_told_that(invoke, ada):
    shown = invoke("status", userId=ada)
    assert shown["wake"] == "code"
    link = urlsplit(shown["wakeUrl"])
    assert (link.scheme, link.netloc, link.path) == ("https", HOST, "/")
    assert re.fullmatch("([a-z2-7]{4}-){3}[a-z2-7]{4}", parse_qs(link.query)["code"][0])
    assert shown["wakeUrl"] == invoke("status", userId=ada)["wakeUrl"], "it is derived"
    listed = invoke("list-all", userId="admin")
    assert code_in(shown["wakeUrl"]) not in str(listed)
    assert code_in(shown["wakeUrl"]) not in str({t: world.items(t) for t in world.TABLES})


@pytest.mark.parametrize(
    "write", [str.upper, lambda c: c.replace("-", ""), lambda c: f" {c.replace('-', ' ')} "]
)
def test_a_code_is_taken_however_it_is_typed(ecs, code, write):
    assert wake(write(code)).status == 303
    assert ecs.only_task()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: "",
        lambda c: c[:-1],
        lambda c: c[:-1] + ("b" if c[-1] == "a" else "a"),
        lambda c: c + c,
        lambda c: c[::-1],
        lambda c: "x" * 100,
        lambda c: "\u00e9\u212a",
        lambda c: "%00",
    ],
)
def test_another_code_wakes_nothing_and_is_told_so(ecs, code, spoil):
    refused = wake(spoil(code))
    assert refused.status == 403
    text = Page.of(refused).text
    assert text.startswith("Ada: It was not woken"), "a screen reader begins with the title"
    assert "It was not woken That is not this table's code." in text
    assert ecs.tasks() == []


@given(text=st.text(max_size=100))
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_is_taken_for_a_code_that_is_another(code, text):
    platform, (instance,) = app.platform(), world.items("instances")
    typed = re.sub("[^a-z2-7]", "", text.lower())
    assert is_code(platform, instance, text) == (typed == code.replace("-", ""))  # type: ignore[arg-type]


def test_a_new_code_ends_the_old_one(invoke, ecs, ada, code):
    rotated = invoke("set-wake", userId=ada, rotate=True)
    assert rotated["wake"] == "code"
    assert code_in(rotated["wakeUrl"]) != code
    assert wake(code).status == 403
    assert ecs.tasks() == []
    assert wake(code_in(rotated["wakeUrl"])).status == 303


def test_another_table_has_another_code_and_so_has_one_that_was_made_again(invoke, ecs, ada, code):
    invoke(sample("create-instance", userId="ben", username="Ben"))
    bens = code_in(invoke("status", userId="ben")["wakeUrl"])
    assert bens != code
    assert wake(bens).status == 403
    assert wake(code, host=f"ben.{DOMAIN}").status == 403
    assert invoke("destroy-instance", userId=ada)["success"]
    for task in ecs.tasks():
        ecs.ends(task)
    assert visit().status == 404
    invoke(sample("create-instance"))
    assert wake(code).status == 403, "its page is there again, in the same process"


def test_anyone_may_wake_a_table_that_anyone_may_wake(invoke, ecs, ada, code):
    chosen = invoke("set-wake", userId=ada, who="anyone")
    assert chosen["wakeUrl"] == f"https://{HOST}/"
    assert wake().status == 303
    assert ecs.only_task()


def test_nobody_wakes_a_table_that_its_owner_keeps_to_themselves(invoke, ecs, ada, code):
    before = nonce()
    assert invoke("set-wake", userId=ada, who="nobody")["success"]
    assert "nonce" not in Page.of(visit()).fields
    refused = submit({"nonce": before, "code": code})
    assert refused.status == 403
    assert "Only its owner wakes this table." in Page.of(refused).text
    assert ecs.tasks() == []
    assert invoke("start-instance", userId=ada)["success"]


def test_who_may_wake_is_chosen_by_the_member_alone(http, invoke, ada, code):
    for fields in ({}, {"rotate": False}, {"who": "everybody"}, {"who": ["code"]}):
        assert invoke("set-wake", userId=ada, **fields)["errorCode"] == "VALIDATION_ERROR"
    assert invoke("set-wake", userId="eve", who="anyone")["errorCode"] == "RESOURCE_NOT_FOUND"
    asked = {"userId": ada, "who": "anyone"}
    assert ask("POST", "/v1/actions/set-wake", asked, token=own("eve")).status == 403
    assert invoke("status", userId=ada)["wake"] == "code"


# --- the form


def test_a_page_wakes_once_and_pressing_twice_is_no_error(invoke, ecs, ada, code):
    form = {"nonce": nonce(), "code": code}
    assert [submit(form).status for _ in range(2)] == [303, 303]
    task = ecs.only_task()
    assert invoke("stop-instance", userId=ada)["success"]
    ecs.ends(task)
    again = submit(form)
    assert again.status == 403
    assert "The page had grown too old to wake the table." in Page.of(again).text
    assert ecs.tasks() == []


def test_a_page_is_good_for_ten_minutes(ecs, freezer, code):
    form = {"nonce": nonce(), "code": code}
    freezer.tick(600)
    assert submit(form).status == 403
    assert ecs.tasks() == []
    form = {"nonce": nonce(), "code": code}
    freezer.tick(599)
    assert submit(form).status == 303


def test_a_refused_form_comes_back_with_another_nonce(code):
    first = nonce()
    refused = Page.of(submit({"nonce": first, "code": "wrong"}))
    assert refused.fields["nonce"] != first
    assert submit({"nonce": refused.fields["nonce"], "code": code}).status == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": f"https://ben.{DOMAIN}"},
        {"origin": f"https://{HOST}.evil.example"},
        {"origin": f"https://evil.example/{HOST}"},
        {"origin": f"https://{HOST}@evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": HOST},
        {"origin": f"ftp://{HOST}"},
        {"origin": "https://[::1"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
    ],
    ids=str,
)
def test_a_form_from_elsewhere_wakes_nothing_and_writes_nothing(ecs, code, headers):
    form = {"nonce": nonce(), "code": code}
    AWS.begin()
    refused = submit(form, **headers)
    assert writing(call.name for call in AWS.calls) == []
    AWS.end()
    assert refused.status == 403
    assert "from its own page only" in Page.of(refused).text
    assert ecs.tasks() == []
    assert submit(form).status == 303, "nor is its nonce used up"


def test_a_form_without_an_origin_wakes_nothing(ecs, code):
    body = f"nonce={nonce()}&code={code}".encode()
    refused = visit("/_wake", "POST", body=body, content_type="application/x-www-form-urlencoded")
    assert refused.status == 403
    assert ecs.tasks() == []


def test_an_old_browser_says_where_from_by_origin_alone(ecs, code):
    assert submit({"nonce": nonce(), "code": code}, sec_fetch_site="").status == 303


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 400),
        (b"code=x", "application/x-www-form-urlencoded", 400),
        (b"nonce=x&" + b"a=b&" * 20, "application/x-www-form-urlencoded", 400),
        (b"nonce=" + b"x" * 5000, "application/x-www-form-urlencoded", 400),
        (b"nonce=" + b"x" * 200, "application/x-www-form-urlencoded", 400),
        (b'{"nonce": "x"}', "application/json", 400),
        (b"nonce=x", "text/plain", 400),
        (b"nonce=x", "multipart/form-data; boundary=x", 400),
        (b"nonce=%ff%00", "application/x-www-form-urlencoded", 403),
    ],
)
def test_what_is_not_the_pages_form_is_refused(ecs, code, body, kind, status):
    sent = {"origin": f"https://{HOST}", "sec_fetch_site": "same-origin", "content_type": kind}
    for shape in ("alb", "alb_multi_value"):
        answer = visit("/_wake", "POST", body=body, headers=BROWSER, shape=shape, **sent)
        assert answer.status == status
        assert Page.of(answer).text
    assert ecs.tasks() == []


# --- how often


def test_an_address_tries_so_often_in_a_quarter_of_an_hour(ecs, freezer, code):
    freezer.move_to("2026-12-01T20:00:00Z")
    statuses = [wake("wrong").status for _ in range(_BY_ADDRESS + 2)]
    assert statuses == [403] * _BY_ADDRESS + [429] * 2
    refused = wake(code)
    assert (refused.status, refused.headers["retry-after"]) == (429, "900")
    assert "In 15 minutes it may be tried again." in Page.of(refused).text
    assert wake(code, x_forwarded_for="198.51.100.1").status == 303, "others are not kept out"


def test_what_a_caller_says_of_its_address_is_not_believed(code):
    forged = [f"198.51.100.{n}, 203.0.113.7" for n in range(_BY_ADDRESS + 1)]
    assert [wake("wrong", x_forwarded_for=f).status for f in forged][-1] == 429


def test_of_version_6_a_network_is_one_address(code):
    own_ones = [f"2001:db8:1:2::{n}" for n in range(_BY_ADDRESS + 1)]
    assert [wake("wrong", x_forwarded_for=f).status for f in own_ones][-1] == 429
    assert wake("wrong", x_forwarded_for="2001:db8:1:3::1").status == 403


def test_no_flood_of_wrong_codes_keeps_the_players_out(ecs, code):
    statuses = [
        wake("wrong", x_forwarded_for=f"198.51.{n // 10}.1").status
        for n in range(_WRONG_BY_TABLE + 5)
    ]
    assert statuses == [403] * _WRONG_BY_TABLE + [429] * 5
    assert ecs.tasks() == []
    assert wake(code).status == 303


def test_a_table_is_woken_so_often_in_a_quarter_of_an_hour(invoke, ecs, ada, code):
    pages = [nonce() for _ in range(_BY_TABLE + 1)]
    assert invoke(sample("admin-system-maintenance", userId="admin"))["success"]
    answers = [
        submit({"nonce": fresh, "code": code}, x_forwarded_for=f"198.51.{n // 10}.1").status
        for n, fresh in enumerate(pages)
    ]
    assert answers == [409] * _BY_TABLE + [429]


# --- what a start may not do


def licence_taken(invoke, ecs, freezer, monkeypatch):
    """Ben plays on Ada's licence."""
    assert invoke(sample("set-license-sharing", allowLicenseSharing=True))["success"]
    pooled = sample("create-instance", userId="ben", username="Ben", licenseType="pooled")
    del pooled["foundryLicense"]
    assert invoke(pooled)["success"]
    assert invoke("start-instance", userId="ben")["success"]


def maintained(invoke, ecs, freezer, monkeypatch):
    """The platform is being maintained, until a time."""
    until = int(datetime.fromisoformat("2026-12-01T22:00:00+00:00").timestamp())
    asked = sample("admin-system-maintenance", userId="admin", estimatedEndTime=until, until=until)
    assert invoke(asked)["success"]


def budget_spent(invoke, ecs, freezer, monkeypatch):
    """Ada has cost more than a member may."""
    for name, value in {
        "PRICES": "1,0.00356,0.005,0.023",
        "BUDGET_PER_USER": "1",
        "KOFI_PAGE": "https://ko-fi.com/demo",
    }.items():
        monkeypatch.setenv(name, value)
    world.new_process()
    assert invoke(sample("start-instance"))["success"]
    task = ecs.only_task()
    ecs.comes_up(task)
    freezer.tick(2 * HOUR)
    ecs.ends(task)


def used_up(invoke, ecs, freezer, monkeypatch):
    """It was started as often as may be in a day."""
    monkeypatch.setenv("DAILY_USES", "1,10000,10000,10000")
    world.new_process()
    assert invoke(sample("start-instance"))["success"]
    ecs.ends(ecs.only_task())


def session_of_another(invoke, ecs, freezer, monkeypatch):
    """Somebody's session has booked the licence for now."""
    assert invoke(sample("set-license-sharing", allowLicenseSharing=True))["success"]
    pooled = sample("create-instance", userId="ben", username="Ben", licenseType="pooled")
    del pooled["foundryLicense"]
    assert invoke(pooled)["success"]
    begins = int(datetime.fromisoformat("2026-12-01T20:20:00+00:00").timestamp())
    booked = invoke(sample("schedule-session", userId="ben", startTime=begins))
    assert booked["success"], booked


def being_restored(invoke, ecs, freezer, monkeypatch):
    """Its files are being put back."""
    assert invoke(sample("start-instance"))["success"]
    ecs.comes_up(ecs.only_task())
    assert invoke(sample("stop-instance"))["success"]
    ecs.ends(ecs.only_task())
    assert invoke(sample("save-now"))["success"]
    Files().carry_out(ecs.only_task())
    ecs.ends(ecs.only_task())
    (save,) = invoke(sample("list-saves"))["saves"]
    assert invoke(sample("restore-save", saveId=save["saveId"]))["success"]


OBSTACLES = {
    being_restored: ("FilesBusy", "being put back", 409),
    licence_taken: ("LicenseTaken", "Its owner is told:", 409),
    maintained: ("UnderMaintenance", "The platform is being maintained", 409),
    budget_spent: ("BudgetSpent", "makes room: https://ko-fi.com/demo", 409),
    used_up: ("UsedUp", "As far as is known, until 2026-12-02 00:00 UTC", 429),
    session_of_another: ("LicenseTaken", "As far as is known, until 2026-12-0", 409),
}


@pytest.mark.parametrize(
    ("hinders", "said"), OBSTACLES.items(), ids=lambda v: getattr(v, "__name__", "")
)
def test_what_a_start_may_not_a_wake_may_not_and_the_page_says_so_in_the_same_words(
    invoke, ecs, freezer, monkeypatch, ada, code, hinders, said
):
    freezer.move_to("2026-12-01T20:00:00Z")
    kind, more, status = said
    hinders(invoke, ecs, freezer, monkeypatch)
    form = {"nonce": fresh(invoke), "code": code}
    refused_start = invoke("start-instance", userId=ada)
    shown = Page.of(visit())
    assert refused_start["error"] in shown.text
    assert more in shown.text
    assert shown.fields == {}, "there is nothing to press"
    woken = submit(form)
    assert woken.status == status
    assert refused_start["error"] in Page.of(woken).text
    german = Page.of(visit(accept_language="de")).text
    assert GERMAN.refusals[kind] in german
    assert refused_start["error"] not in german
    started = [run for run in world.items("runs") if run["userId"] == ada and run["kind"] == "play"]
    assert not [run for run in started if "open" in run]


def fresh(invoke):
    """A nonce of Ada's table, though her page shows none."""
    return nonces.issue(app.platform(), HOST)


def test_a_donation_makes_room_and_the_page_says_how_much(
    invoke, ecs, freezer, monkeypatch, ada, code
):
    freezer.move_to("2026-11-02T20:00:00Z")
    budget_spent(invoke, ecs, freezer, monkeypatch)
    shown = Page.of(visit())
    (missing,) = re.findall(r"A donation of (\d+\.\d\d) USD", shown.text)
    assert {"href": "https://ko-fi.com/demo", "rel": "noreferrer"} in shown.all("a")
    given = payload(1, amount=missing, discord_userid=ada)
    assert invoke("kofi-webhook", body=given)["success"]
    assert wake(code).status == 303


def test_a_start_that_ecs_has_no_room_for_goes_on_by_itself(invoke, ecs, meanwhile, ada, code):
    with meanwhile("RunTask", mode="refused"):
        assert wake(code).status in (303, 409)
    assert ecs.tasks() == []


# --- whatever goes wrong in between


@pytest.mark.parametrize("call", ["TransactWriteItems", "GetItem", "RunTask", "UpdateItem"])
@pytest.mark.parametrize("mode", [BEFORE, AFTER])
def test_whoever_gets_no_answer_loads_the_page_again_and_wakes_it_then(
    invoke, ecs, meanwhile, freezer, ada, code, call, mode
):
    form = {"nonce": nonce(), "code": code}
    with meanwhile(call, mode=mode):
        answer = submit(form)
    assert answer.status in (303, 500, 504, 409), answer
    freezer.tick(301)
    for _ in range(2):
        page = Page.of(visit())
        if "nonce" in page.fields:
            submit({"nonce": page.fields["nonce"], "code": code})
        invoke(sample("auto-shutdown-check"))
        freezer.tick(301)
    assert len(ecs.tasks()) == 1
    assert len(world.items("runs")) == 1


def test_a_nonce_that_was_used_is_forgotten_after_it_is_worth_nothing(code):
    assert wake(code).status == 303
    (used,) = (i for i in world.items("registry") if i["name"].startswith("nonce:"))
    assert used["expiresAt"] > 0


def test_a_wake_costs_few_calls(code):
    form = {"nonce": nonce(), "code": code}
    AWS.begin()
    assert submit(form).status == 303
    own_calls = len(AWS.calls)
    AWS.end()
    assert own_calls <= 12

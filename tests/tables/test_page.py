"""What visitors read, in whichever state the table is."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.http.table_pages import filled, table_page
from handler.http.table_words import ENGLISH, GERMAN, LANGUAGES, words_for
from services.instances import Phase, Who
from tests import world
from tests.aws_calls import AWS
from tests.tables.crowds import PREVIEWS
from tests.tables.visiting import HOST, Page, submit, visit, wake
from tests.world import DOMAIN, sample

pytestmark = pytest.mark.slow

HOUR = 3600


def page(**more):
    return Page.of(visit(**more))


# --- how it is answered


@pytest.mark.parametrize("shape", ["alb", "alb_multi_value"])
def test_a_sleeping_table_has_a_page_that_says_it_is_not_there_now(code, shape):
    answer = visit(shape=shape)
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["x-request-id"]
    assert "Ada" in Page.of(answer).text


@pytest.mark.parametrize("path", ["/", "/join", "/game", "/setup", "/license", "/any/thing"])
def test_a_browser_gets_the_page_wherever_it_was_going(code, path):
    assert "asleep" in page(path=path).text


@pytest.mark.parametrize(("agent", "accept"), PREVIEWS.items(), ids=lambda text: text[:30])
def test_previews_of_links_get_the_page_too(code, agent, accept):
    headers = {"user-agent": agent} | ({"accept": accept} if accept else {})
    answer = visit(headers=headers)
    assert answer.status == 503
    titles = [m["content"] for m in Page.of(answer).all("meta") if m.get("property") == "og:title"]
    assert titles == ["Ada: Asleep"]


def test_where_there_is_no_table_a_calm_page_says_so(code):
    for host in (f"nobody.{DOMAIN}", f"www.{DOMAIN}"):
        answer = visit(host=host)
        assert answer.status == 404
        assert "retry-after" not in answer.headers
        assert "There is no table here" in Page.of(answer).text
        assert visit("/_state", host=host).status == 404
        assert submit({"nonce": "x"}, host).status == 404


@pytest.mark.parametrize(
    "host", [DOMAIN, f"ada.{DOMAIN}.evil.example", f"ada.{DOMAIN}.", "platform.example"]
)
def test_what_is_not_below_the_domain_is_as_it_was(http, code, host):
    assert visit("/health", host=host, headers={}).status == 200


@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{HOST}:443"])
def test_a_table_is_at_its_own_name_however_it_is_written(http, code, host):
    assert visit(host=host).status == 503


@pytest.mark.parametrize("host", [f"more.{HOST}", f"a_da.{DOMAIN}", f".{DOMAIN}", f"a.b.{DOMAIN}"])
def test_nothing_but_tables_is_below_the_domain_at_the_load_balancer(http, code, host):
    for path in ("/", "/health", "/v1/actions/status", "/_state"):
        assert visit(path, host=host).status in (400, 404)


@pytest.mark.parametrize("shape", ["v1", "v2", "function_url"])
def test_only_a_load_balancer_sends_of_tables(http, code, shape):
    assert visit("/health", shape=shape).status == 200
    assert visit(shape=shape).json["status"] == "healthy"


@pytest.mark.parametrize(
    "path", ["/health", "/metrics", "/docs", "/v1/actions/status", "/api/v1/token"]
)
def test_no_other_surface_is_at_a_tables_address(code, path):
    for method in ("GET", "POST"):
        answer = visit(path, method, body=b"{}" if method == "POST" else None, headers={})
        assert answer.status == 503


def test_what_an_address_does_not_take_is_refused_and_the_rest_leads_to_the_page(code):
    for method in ("PUT", "DELETE", "OPTIONS"):
        for path, allowed in (("/_wake", "GET, HEAD, POST"), ("/_state", "GET, HEAD")):
            answer = visit(path, method)
            assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert visit("/_wake").headers["location"] == "/"
    assert visit("/_table/anything").status == 404
    assert visit("/_state", "HEAD").body == b""


def test_what_goes_wrong_inside_is_said_calmly_and_with_the_request_id(code, capsys):
    world.client("dynamodb").delete_table(TableName=world.table_of("hosts"))
    world.new_process()
    answer = visit()
    assert (answer.status, answer.headers["retry-after"]) == (500, "60")
    assert answer.headers["x-request-id"] in Page.of(answer).text
    assert "ResourceNotFound" not in answer.body.decode()
    assert visit("/_state").json["error"] == "Internal Server Error"
    assert "ResourceNotFoundException" in capsys.readouterr().out


# --- that it needs nothing, and gives nothing away


def allowed(policy, kind):
    """The sources that a content policy allows."""
    return next((d.split()[1:] for d in policy.split("; ") if d.split()[0] == kind), None)


def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else(code):
    answer = visit()
    policy, text = answer.headers["content-security-policy"], answer.body.decode()
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert allowed(policy, kind) == [f"'sha256-{digest}'"]
    assert allowed(policy, "default-src") == allowed(policy, "frame-ancestors") == ["'none'"]
    assert allowed(policy, "base-uri") == ["'none'"]
    assert allowed(policy, "form-action") == allowed(policy, "connect-src") == ["'self'"]
    shown = page()
    assert not any(
        name.startswith("on") or name == "style" for _, a in shown.elements for name in a
    )
    leads = [a.get("src") or a.get("href") or a.get("action") for _, a in shown.elements]
    assert {lead for lead in leads if lead} <= {"data:,", "/_wake", "/"}


def test_browsers_are_let_name_the_origin_of_the_form(code):
    """With no-referrer they would send it with "Origin: null" (Fetch, append a request Origin header)."""
    assert visit().headers["referrer-policy"] == "same-origin"


def test_the_page_is_one_for_keyboards_and_screen_readers(code):
    shown = page()
    assert shown.all("html")[0]["lang"] == "en"
    assert [a.get("role") for _, a in shown.elements if a.get("role")] == ["status"]
    assert len(shown.all("main")) == len(shown.all("h1")) == 1
    assert shown.all("label")[0]["for"] == "code"
    inputs = [a for a in shown.all("input") if a.get("type") != "hidden"]
    assert [a["id"] for a in inputs] == ["code"]
    assert inputs[0]["aria-describedby"] == "hint"
    assert "viewport" in [m.get("name") for m in shown.all("meta")]
    assert not shown.all("img")


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    full = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(full[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_are_far_enough_apart_by_day_and_by_night(code):
    """WCAG 2.2 AA: 4.5 for text, 3 for what is around it."""
    (style,) = re.findall("<style>(.*?)</style>", visit().body.decode(), re.DOTALL)
    for colours in re.findall(r":root\{(.*?)\}", style, re.DOTALL):
        c = dict(re.findall(r"--(\w+):(#\w+)", colours))
        for text in ("ink", "quiet", "link"):
            assert contrast(c[text], c["paper"]) >= 4.5, text
        assert contrast(c["on"], c["deed"]) >= 4.5
        assert contrast(c["line"], c["paper"]) >= 3
        assert contrast(c["deed"], c["paper"]) >= 3


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "</title><script>",
            "{title}{nonce}",
            "' onfocus='x",
            "&lt;b&gt;",
            "\u202eevil\u2066",
            "</main></body>",
            "\\1\\g<0>",
            "<!--",
        ]
    ),
    st.text(min_size=1, max_size=64),
)


@given(name=HOSTILE, code=HOSTILE, message=HOSTILE)
@settings(max_examples=300, deadline=None)
def test_nothing_that_somebody_chose_is_more_than_text(name, code, message):
    plain = table_page(ENGLISH, table("x", "x"), 0, code="x", refused=refusal("x"))
    shown = table_page(ENGLISH, table(name, message), 0, code=code, refused=refusal(message))
    assert [tag for tag, _ in Page(shown).elements] == [tag for tag, _ in Page(plain).elements]
    attributes = [sorted(a) for _, a in Page(shown).elements]
    assert attributes == [sorted(a) for _, a in Page(plain).elements]
    assert Page(shown).fields["code"].replace("\r", "\n") == code.replace("\r\n", "\n").replace(
        "\r", "\n"
    )


def table(name, message, **more):
    return {
        "table": name,
        "status": "stopped",
        "phase": "asleep",
        "about": None,
        "wake": "code",
        "nonce": "1.2.3",
        "obstacle": refusal(message),
    } | more


def refusal(message):
    return {
        "kind": "X",
        "message": f"x{message}",
        "details": {"missing": 1.0, "kofiPage": f"https://{message}"},
    }


def test_a_page_of_kofi_that_is_no_web_address_is_no_link():
    shown = table_page(ENGLISH, table("x", "x"), 0)
    assert "https://x" in [a["href"] for a in Page(shown).all("a")]
    odd = {
        "kind": "X",
        "message": "x",
        "details": {"missing": 1.0, "kofiPage": "javascript:alert(1)"},
    }
    shown = table_page(ENGLISH, table("x", "x", obstacle=odd), 0)
    assert "javascript:alert(1)" not in [a.get("href") for a in Page(shown).all("a")]


def test_what_is_filled_in_is_escaped_once_and_braces_in_it_are_text():
    assert filled("<b>{one}</b>", one="{two}<&") == "<b>{two}&lt;&amp;</b>"


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "Zoë & Töchter", "\u05d0\u05d3\u05d4"]
)
def test_the_tables_name_is_shown_as_its_member_wrote_it(invoke, name):
    made = invoke(sample("create-instance", username=name))
    host = made["instanceUrl"].removeprefix("https://")
    shown = Page.of(visit(host=host))
    assert shown.text.startswith(f"{name}: Asleep")
    assert len(shown.all("bdi")) == len(shown.all("script")) == 1


# --- what it says


def test_the_next_session_is_shown_in_utc_and_for_the_script_to_convert(invoke, freezer, ada, code):
    freezer.move_to("2026-12-01T12:00:00Z")
    assert "No session is booked." in page().text
    at = 1796241600  # 2026-12-02T20:00:00Z
    assert invoke(sample("schedule-session", startTime=at))["success"]
    shown = page()
    assert "Next session 2026-12-02 20:00 UTC" in shown.text
    assert shown.all("time") == [{"datetime": "2026-12-02T20:00:00Z"}]
    freezer.move_to("2026-12-02T20:10:00Z")
    assert "A session is booked since 2026-12-02 20:00 UTC" in page().text


@pytest.mark.parametrize(
    ("who", "words", "fields"),
    [
        ("nobody", "Only its owner wakes it.", set()),
        ("code", "Whoever has its code can wake it.", {"nonce", "code"}),
        ("anyone", "Anyone can wake it.", {"nonce"}),
    ],
)
def test_it_says_who_may_wake_it_and_asks_for_what_that_takes(
    invoke, ada, code, who, words, fields
):
    assert invoke("set-wake", userId=ada, who=who)["success"]
    shown = page()
    assert words in shown.text
    assert set(shown.fields) == fields


def test_the_code_of_the_link_is_in_the_form_already_and_never_without_the_link(code):
    assert page(query=f"code={code}").fields["code"] == code
    assert page(query="code=%3Cb%3E+x").fields["code"] == "<b> x"
    assert page().fields["code"] == ""
    assert code not in visit().body.decode()


def test_it_says_whose_licence_it_would_have(invoke, ada, code):
    assert "Its licence is free." in page().text
    assert invoke(sample("set-license-sharing", userId=ada, allowLicenseSharing=True))["success"]
    pooled = sample("create-instance", userId="ben", username="Ben", licenseType="pooled")
    del pooled["foundryLicense"]
    assert invoke(pooled)["success"]
    assert "A shared licence is free." in page(host=f"ben.{DOMAIN}").text


def test_each_language_has_the_same_words():
    for name in ("phases", "headings", "wakes", "licenses"):
        assert getattr(ENGLISH, name).keys() == getattr(GERMAN, name).keys()
    other = {"asleep", "restoring", "stopping", "unknown"}
    assert {*Phase, *other} == ENGLISH.phases.keys()
    assert set(ENGLISH.wakes) == set(Who)
    english, german = vars(ENGLISH), vars(GERMAN)
    same = {
        name for name, words in english.items() if isinstance(words, str) and words == german[name]
    }
    assert same == set()
    for name, words in english.items():
        if isinstance(words, str) and name != "other_refusal":
            assert words.count("{}") == german[name].count("{}"), name


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("fr-FR,fr;q=0.9,de;q=0.5,en;q=0.4", "de"),
        ("fr", "en"),
        ("de;q=0", "en"),
        ("en;q=0.1, DE ; q=0.2", "de"),
        ("*", "en"),
        ("de;q=x,en", "en"),
        ("x" * 100_000, "en"),
    ],
)
def test_a_visitor_is_answered_in_the_language_the_browser_asks_for(code, accepted, language):
    assert page(accept_language=accepted).all("html")[0]["lang"] == language


@given(st.text(max_size=200))
def test_any_accept_language_has_an_answer(text):
    assert words_for(text) in LANGUAGES.values()


# --- while it comes up, and after


def test_while_it_comes_up_it_says_how_far_it_is(invoke, ecs, foundry, code, freezer):
    foundry.says[HOST] = None
    assert wake(code).status == 303
    answer = visit()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    shown = Page.of(answer)
    assert "A machine is being found." in shown.text
    current = [a["data-phase"] for a in shown.all("li") if a.get("aria-current")]
    assert current == ["machine"]
    assert shown.all("meta")[-1] == {"http-equiv": "refresh", "content": "5;url=/"}, (
        "without a script"
    )
    assert shown.fields == {}


def test_of_one_that_goes_to_sleep_it_says_so(invoke, ecs, ada, code):
    assert wake(code).status == 303
    assert invoke("stop-instance", userId=ada)["success"]
    shown = page()
    assert "just going to sleep" in shown.text
    assert shown.fields == {}


def test_a_page_is_read_in_few_reads_and_writes_nothing(code):
    visit()
    AWS.begin()
    visit()
    AWS.end()
    names = [call.name for call in AWS.calls]
    assert names == ["dynamodb.GetItem"] * 4, (
        "the instance, maintenance, the licence, the day's starts"
    )


@given(
    phase=st.sampled_from([*Phase]),
    about=st.none() | st.integers(0, 900),
    language=st.sampled_from([*LANGUAGES]),
)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_every_phase_has_a_page_in_every_language(phase, about, language):
    words = LANGUAGES[language]
    state = {"status": "starting", "phase": phase, "about": about, "table": "x", "wake": "code"}
    shown = Page(table_page(words, state, 0))
    assert words.phases[phase] in shown.text
    assert [a["data-phase"] for a in shown.all("li") if a.get("aria-current")] == [phase]
    assert (words.about.format(about) in shown.text) == bool(about)
    assert (words.soon in shown.text) == (about == 0)

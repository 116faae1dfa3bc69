"""The page for people at the played Discord: what it is asked for, and by whom."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from local.discord import page as package
from tests.discord.application import Answer, button, row, slash

HOST = "discord.localhost"
NASTY = "<img src=x onerror=alert(1)> **bold**"


@pytest.fixture
def port(discord):
    return urlsplit(discord.api).port


@pytest.fixture
def page(discord, port, ada, tables):
    return Page(port, ada, tables)


class Page:
    """The page of a browser, at which somebody plays a person."""

    def __init__(self, port, who, place):
        self.port, self.who, self.place = port, who, place

    def ask(self, method, path, content=None, **headers):
        """What the port answers; headers by their names, `_` for `-`, and None for one that is not sent."""
        own = {"Host": f"{HOST}:{self.port}"}
        if method == "POST":
            own |= {"Origin": f"http://{HOST}:{self.port}", "Content-Type": "application/json"}
        sent = own | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            sent = {name: value for name, value in sent.items() if value is not None}
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())
        finally:
            connection.close()

    def sees(self, who=None, place=None):
        """All that the page shows somebody."""
        asked = {"who": (who or self.who).id, "place": place or self.place.id}
        answer = self.ask("GET", f"/page/state?{urlencode(asked)}")
        assert answer.status == 200, answer.json
        return json.loads(answer.json)

    def does(self, what, who=None, **more):
        """What the page gets for something that somebody does, a member or an id: status and JSON."""
        fields = {"who": getattr(who or self.who, "id", who), "place": self.place.id, **more}
        answer = self.ask("POST", f"/page/{what}", json.dumps(fields))
        return answer.status, json.loads(answer.json)


def test_somebody_uses_a_command_and_reads_the_answer(app, page):
    app.registers(slash("dice", options=[slash("sides", type=4, required=True)]))
    app.answers = {"type": 4, "data": {"content": "Six.", "flags": 64}}
    status, said = page.does("command", name="dice", options={"sides": "6"})
    assert (status, said["failed"], said["form"]) == (200, None, None)
    assert app.heard[0]["data"]["options"] == [{"name": "sides", "type": 4, "value": 6}]
    assert app.heard[0]["channel_id"] == page.place.id
    (message,) = page.sees()["messages"]
    assert (message["text"], message["only"], message["thinking"]) == ("Six.", True, False)
    assert (message["by"], message["command"]) == (page.who.id, "dice")


def test_the_commands_are_those_that_somebody_may_see(app, page, discord):
    manage = str(1 << 5)
    group = slash("server", options=[slash("start", type=1), slash("stop", type=1)])
    app.registers(group, slash("admin", default_member_permissions=manage))
    boss = discord.joins("Boss", permissions=1 << 5)

    def names(who):
        answer = page.ask("GET", f"/page/commands?who={who.id}")
        return [each["name"] for each in json.loads(answer.json)["commands"]]

    assert names(page.who) == ["server start", "server stop"]
    assert names(boss) == ["server start", "server stop", "admin"]
    status, said = page.does("command", name="admin")
    assert (status, said["error"]) == (409, "Ada has no command /admin.")


def test_options_name_people_and_choices_come_from_the_application(app, page, bob):
    app.registers(
        slash("crew", options=[slash("who", type=9), slash("zone", type=3, autocomplete=True)])
    )
    app.answers = {"type": 8, "data": {"choices": [{"name": "Berlin", "value": "Europe/Berlin"}]}}
    typed = {"name": "crew", "option": "zone", "text": "ber", "options": {"who": bob.id}}
    assert page.does("types", **typed)[1]["choices"] == [
        {"name": "Berlin", "value": "Europe/Berlin"}
    ]
    assert app.heard[0]["data"]["options"][0]["value"] == bob.id
    status, said = page.does("command", name="crew", options={"who": "1"})
    assert (status, said["error"]) == (409, "Choose somebody or something that is there.")
    assert page.does("command", name="crew", options={"zone": 7})[0] == 400


def test_a_form_is_filled_in_by_whom_it_was_opened_for_alone(app, page, bob):
    app.registers(slash("secret"))
    field = {"type": 4, "custom_id": "key", "label": "Key", "style": 1}
    app.answers = {
        "type": 9,
        "data": {"custom_id": "f", "title": "T", "components": [row(field)]},
    }
    _, said = page.does("command", name="secret")
    assert said["form"]["title"] == "T"
    app.answers = {"type": 4, "data": {"content": "Kept.", "flags": 64}}
    filled = {"interaction": said["interaction"], "values": {"key": "value"}}
    assert page.does("submit", who=bob, **filled)[0] == 409
    assert page.does("submit", **filled)[0] == 200
    assert page.sees()["messages"][0]["text"] == "Kept."
    assert page.does("submit", interaction="1")[0] == 400


def test_a_stranger_sees_and_presses_nothing_that_only_another_sees(app, page, bob):
    app.registers(slash("sure"))
    content = {"content": "Sure?", "flags": 64, "components": [row(button("yes"))]}
    app.answers = {"type": 4, "data": content}
    page.does("command", name="sure")
    (message,) = page.sees()["messages"]
    assert page.sees(bob)["messages"] == []
    press = {"message": message["id"], "component": "yes"}
    status, said = page.does("press", who=bob, **press)
    assert (status, said["error"]) == (409, "Bob does not see this message.")
    assert page.does("dismiss", who=bob, message=message["id"])[0] == 409
    assert len(app.heard) == 1
    app.answers = {"type": 7, "data": {"content": "Done.", "components": []}}
    assert page.does("press", **press)[0] == 200
    assert page.sees()["messages"][0]["text"] == "Done."
    assert page.does("dismiss", message=message["id"]) == (200, {})
    assert page.sees()["messages"] == []


def test_direct_messages_are_shown_to_whom_they_are_for(app, page, bob):
    channel = app.asks("POST", "/users/@me/channels", {"recipient_id": page.who.id}).json["id"]
    app.asks("POST", f"/channels/{channel}/messages", {"content": "It starts."})
    assert [each["text"] for each in page.sees(place="direct")["messages"]] == ["It starts."]
    assert page.sees(bob, place="direct")["messages"] == []
    assert page.ask("GET", f"/page/state?who={bob.id}&place={channel}").status == 400
    app.registers(slash("x"))
    assert page.does("command", place="direct", name="x")[0] == 409


def test_that_the_application_did_not_answer_is_said_with_the_reason(app, page):
    app.registers(slash("x"))
    app.status = 500
    _, said = page.does("command", name="x")
    assert said["failed"] == "The application did not respond"
    assert said["why"] == "Its status was 500."


@pytest.mark.parametrize("what", ["command", "types", "press", "submit", "dismiss"])
def test_nothing_is_done_for_other_pages(app, page, port, what):
    app.registers(slash("x"))
    body = json.dumps({"who": page.who.id, "place": page.place.id, "name": "x"})
    for origin in (
        None,
        "null",
        "http://elsewhere.example",
        f"http://{HOST}",
        f"https://{HOST}:{port}",
    ):
        assert page.ask("POST", f"/page/{what}", body, Origin=origin).status == 403
    # Another page can send a form, or plain text, without being asked first.
    for kind in (None, "text/plain", "application/x-www-form-urlencoded"):
        assert page.ask("POST", f"/page/{what}", body, Content_Type=kind).status == 415
    rebound = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}
    assert page.ask("POST", f"/page/{what}", body, **rebound).status == 403
    assert page.ask("GET", f"/page/{what}").status == 404
    assert not app.heard


def test_nothing_is_told_under_a_name_that_is_not_this_machines(page, port):
    for path in ("/", "/page/state", f"/page/commands?who={page.who.id}"):
        assert page.ask("GET", path, Host=f"evil.example:{port}").status == 403
        assert page.ask("GET", path, Host=f"127.0.0.1:{port}").status == 200
        assert "access-control-allow-origin" not in page.ask("GET", path).headers


def test_text_is_never_html(app, page):
    app.registers(slash("x"))
    app.answers = {"type": 4, "data": {"content": NASTY}}
    page.does("command", name="x")
    asked = f"/page/state?{urlencode({'who': page.who.id, 'place': page.place.id})}"
    state = page.ask("GET", asked)
    assert json.loads(state.json)["messages"][0]["text"] == NASTY
    assert state.headers["content-type"] == "application/json"
    assert state.headers["x-content-type-options"] == "nosniff"
    whole = page.ask("GET", "/")
    assert b"onerror" not in whole.json
    assert "script-src 'self'" in whole.headers["content-security-policy"]
    assert "unsafe" not in whole.headers["content-security-policy"]
    for script in Path(package.__file__).parent.glob("*.js"):
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in script.read_text(), (script.name, way)


def test_the_page_has_all_its_files_and_takes_nothing_from_elsewhere(page):
    for name in Path(package.__file__).parent.glob("*.*"):
        if name.suffix in (".js", ".css"):
            assert page.ask("GET", f"/page/{name.name}").status == 200, name
            assert not re.search("(src|href|import|url).{0,9}https?:", name.read_text()), name
    assert page.ask("GET", "/page/asked.py").status == 404
    assert page.ask("GET", "/page/../server.py").status == 404
    assert b"http" not in page.ask("GET", "/").json


def test_what_the_page_never_sends_is_refused(page):
    assert page.ask("POST", "/page/command", "{").status == 400
    assert page.ask("POST", "/page/command", "[]").status == 400
    assert page.ask("POST", "/page/command", " " * 70_000).status == 415
    odd: list[dict[str, object]] = [
        {"who": "1"},
        {"who": 1},
        {"place": "1"},
        {"options": []},
        {"options": {"x": 1}},
    ]
    for wrong in odd:
        assert page.does("command", **{"name": "x", **wrong})[0] in (400, 409)
    assert page.does("press", message="1", component="x")[0] == 409
    assert page.does("press", message="1", component="x", values="x")[0] == 400

"""The pages of tables as HTML: one file each, which needs nothing from anywhere else.

Style and script are in the page and allowed by their hashes, so that a visit is one request. Whatever is filled in
is escaped, unless it was made here (`Html`).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from handler.http.table_words import Words

STEPS = ("machine", "image", "foundry", "world", "ready")
WAITING = ("setup", "signature")  # for people, instead of the last two steps
BEFORE = ("restoring",)  # of a table that was asleep for long
WAY_IN = {"ready": "/join", "setup": "/", "signature": "/license"}
RELOAD_SECONDS = 5  # without a script

STYLE = """
:root{color-scheme:light dark;--ink:#23262d;--paper:#f7f5f0;--quiet:#565b66;--line:#7d818a;--deed:#24574a;--on:#fff;
--link:#1c4d8c}
@media(prefers-color-scheme:dark){:root{--ink:#e9e7e1;--paper:#1b1e24;--quiet:#b3b7c0;--line:#7d828d;--deed:#9ad2c0;
--on:#10231d;--link:#a5c8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.125rem/1.6 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:12vh 1.25rem 3rem}
h1{font-size:2rem;line-height:1.2;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.125rem;margin:1.75rem 0 .25rem}
p{margin:.25rem 0 .75rem}
a{color:var(--link);overflow-wrap:anywhere}
.quiet{color:var(--quiet)}
ol{margin:.5rem 0;padding-left:1.5rem;color:var(--quiet)}
li[aria-current]{color:var(--ink);font-weight:600}
label{display:block;font-weight:600}
input{font:inherit;width:100%;padding:.6rem .7rem;color:inherit;background:transparent;border:1px solid var(--line);
border-radius:.4rem}
button{font:inherit;font-weight:600;margin-top:1rem;padding:.7rem 1.4rem;min-height:3rem;border:0;
border-radius:.4rem;background:var(--deed);color:var(--on);cursor:pointer}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
[hidden]{display:none}
"""

_SCRIPT = """
"use strict";
(function () {
  var page = document.querySelector("main"), shown = page.dataset, busy = false, looks = 0;
  document.querySelectorAll("time").forEach(function (time) {
    var said = document.documentElement.lang, own = navigator.language.startsWith(said) ? navigator.language : said;
    var form = new Intl.DateTimeFormat(own, {dateStyle: "full", timeStyle: "short"});
    time.textContent = form.format(new Date(time.dateTime));
  });
  var code = document.querySelector("input[name=code]");
  var given = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code && given) { code.value = given; }
  if (!shown.phase) { return; }
  function say(id, text) {
    var place = document.getElementById(id);
    if (place && place.textContent !== text) { place.textContent = text; }
  }
  function show(state) {
    document.querySelectorAll("li[data-phase]").forEach(function (step) {
      if (step.dataset.phase === state.phase) {
        step.setAttribute("aria-current", "step");
        say("now", step.textContent);
      } else { step.removeAttribute("aria-current"); }
    });
    say("about", state.about === null ? "" : state.about ? shown.about.replace("{}", state.about) : shown.soon);
  }
  function go(state) {
    var to = {ready: "/join", setup: "/", signature: "/license"}[state.phase];
    if (!to || state.status !== "running") { return; }
    var way = document.getElementById("way");
    way.hidden = false;
    way.querySelector("a").href = to;
    shown.phase = "";
    setTimeout(function () { location.assign(to); }, state.phase === "ready" ? 0 : 5000);
  }
  function look() {
    if (document.hidden || busy || !shown.phase) { return; }
    var isAsleep = shown.phase === "asleep";
    if (isAsleep && looks++ % 10) { return; }
    busy = true;
    fetch("/_state", {cache: "no-store"}).then(function (answer) {
      if (!answer.ok) { return null; }
      return answer.json();
    }).then(function (state) {
      if (!state) { return; }
      if (isAsleep !== (state.phase === "asleep")) { location.replace("/"); return; }
      if (!isAsleep) { show(state); go(state); }
    }).catch(function () {}).then(function () { busy = false; });
  }
  looks = 1;
  setInterval(look, 3000);
  document.addEventListener("visibilitychange", look);
})();
"""


def policy(script: str, style: str, connects: str, sends: str) -> str:
    """What a page may: run this script, look like this, connect there, send its form there."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:;"
        f" connect-src {connects}; form-action {sends}; base-uri 'none'; frame-ancestors 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = policy(_SCRIPT, STYLE, "'self'", "'self'")


class Html(str):
    """Text that is HTML already, and not escaped a second time."""

    __slots__ = ()


def filled(template: str, **values: object) -> Html:
    """The template with each `{name}` replaced by what is escaped of its value."""

    def value(found: re.Match[str]) -> str:
        given = values[found[1]]
        return given if isinstance(given, Html) else escape(str(given))

    return Html(re.sub(r"\{([a-z_]+)\}", value, template))


_NOTHING = Html("")
_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<meta property="og:title" content="{title}">
<meta property="og:description" content="{description}">
<link rel="icon" href="data:,">
<style>{style}</style>
{head}</head>
<body>
<main{data}>
{content}
</main>
{script}</body>
</html>
"""


def table_page(
    words: Words, table: Mapping[str, Any], now: int, *, code: str = "", refused: Any = None
) -> str:
    """The page of a table, as the action `table-page` says it is; `refused` is the refusal of a wake.

    `code` is put into the form as it came.
    """
    is_asleep = table["phase"] == "asleep"
    kind = "asleep" if is_asleep else "there" if table["phase"] in WAY_IN else "coming-up"
    content = [
        filled("<h1><bdi>{table}</bdi></h1>", table=table["table"]),
        filled('<p id="now" role="status">{said}</p>', said=_said(words, table)),
    ]
    if refused is not None:
        content.append(_refusal(words, words.refused, refused))
    content += _asleep(words, table, code) if is_asleep else _coming_up(words, table)
    content.append(_session(words, table.get("nextSession"), now))
    return _page(
        words,
        # What a screen reader says first.
        title=f"{table['table']}: {words.headings[kind] if refused is None else words.refused}",
        description=_said(words, table),
        content=Html("\n".join(content)),
        data=filled(
            ' data-phase="{phase}" data-about="{about}" data-soon="{soon}"',
            phase=table["phase"],
            about=words.about,
            soon=words.soon,
        ),
        reload=_NOTHING if is_asleep else _RELOAD,
    )


def simple_page(words: Words, heading: str, hint: str) -> str:
    """A page that says one thing."""
    content = filled("<h1>{heading}</h1>\n<p>{hint}</p>", heading=heading, hint=hint)
    return _page(words, title=heading, description=hint, content=content)


_RELOAD = Html(
    f'<noscript><meta http-equiv="refresh" content="{RELOAD_SECONDS};url=/"></noscript>\n'
)


def _page(
    words: Words,
    *,
    title: str,
    description: str,
    content: Html,
    data: Html = _NOTHING,
    reload: Html = _NOTHING,
) -> str:
    script = _SCRIPT if data else ""
    return document(words.language, title, description, content, STYLE, script, data, reload)


def document(
    language: str,
    title: str,
    description: str,
    content: Html,
    style: str,
    script: str,
    data: Html = _NOTHING,
    head: Html = _NOTHING,
) -> str:
    """A whole page; `data` are attributes that its script reads."""
    return filled(
        _PAGE,
        language=language,
        title=title,
        description=description,
        style=Html(style),
        head=head,
        data=data,
        content=content,
        script=Html(f"<script>{script}</script>\n") if script else _NOTHING,
    )


def _said(words: Words, table: Mapping[str, Any]) -> str:
    if table["phase"] == "asleep" and table["status"] in words.phases:
        return words.phases[table["status"]]
    return words.phases[table["phase"]]


def _asleep(words: Words, table: Mapping[str, Any], code: str) -> list[Html]:
    parts = []
    facts = [words.wakes[table["wake"]]]
    if table.get("license"):
        facts.append(words.licenses[table["license"]])
    if table["about"]:
        facts.append(words.took.format(table["about"]))
    parts.append(filled('<p class="quiet">{facts}</p>', facts=" ".join(facts)))
    if "obstacle" in table:
        parts.append(_refusal(words, words.cannot, table["obstacle"]))
    if "nonce" in table:
        parts.append(_form(words, table, code))
    else:
        parts.append(filled('<p><a href="/">{again}</a></p>', again=words.look_again))
    return parts


def _form(words: Words, table: Mapping[str, Any], code: str) -> Html:
    asked = filled(
        '<label for="code">{label}</label>\n<p class="quiet" id="hint">{hint}</p>\n'
        '<input id="code" name="code" value="{code}" required maxlength="100" aria-describedby="hint"'
        ' autocomplete="off" autocapitalize="none" spellcheck="false">\n',
        label=words.code,
        hint=words.code_hint,
        code=code,
    )
    return filled(
        '<form method="post" action="/_wake">\n<input type="hidden" name="nonce" value="{nonce}">\n{asked}'
        '<button type="submit">{wake}</button>\n</form>',
        nonce=table["nonce"],
        asked=asked if table["wake"] == "code" else _NOTHING,
        wake=words.wake,
    )


def _coming_up(words: Words, table: Mapping[str, Any]) -> list[Html]:
    phase, about = table["phase"], table["about"]
    more = "" if about is None else words.about.format(about) if about else words.soon
    steps = [
        filled(
            '<li data-phase="{step}"{current}{hidden}>{said}</li>',
            step=step,
            current=Html(' aria-current="step"') if step == phase else _NOTHING,
            hidden=Html(" hidden") if step in (*BEFORE, *WAITING) else _NOTHING,
            said=words.phases[step],
        )
        for step in (*BEFORE, *STEPS, *WAITING)
    ]
    is_there = table["status"] == "running" and phase in WAY_IN
    return [
        filled('<p id="about" class="quiet">{more}</p>', more=more),
        filled(
            '<h2 id="steps">{heading}</h2>\n<ol aria-labelledby="steps">\n{steps}\n</ol>',
            heading=words.steps,
            steps=Html("\n".join(steps)),
        ),
        filled(
            '<p id="way"{hidden}><a href="{to}">{enter}</a></p>',
            hidden=_NOTHING if is_there else Html(" hidden"),
            to=WAY_IN.get(phase, "/"),
            enter=words.enter,
        ),
    ]


def _session(words: Words, session: Mapping[str, Any] | None, now: int) -> Html:
    if session is None:
        return filled('<p class="quiet">{said}</p>', said=words.no_session)
    said = words.next_session if session["startTime"] > now else words.session_since
    return filled("<h2>{said}</h2>\n<p>{at}</p>", said=said, at=_time(session["startTime"]))


def _time(moment: int) -> Html:
    """A moment as UTC, which the page's script shows in the visitor's own time."""
    at = datetime.fromtimestamp(moment, UTC)
    return filled(
        '<time datetime="{iso}">{shown}</time>',
        iso=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        shown=f"{at:%Y-%m-%d %H:%M} UTC",
    )


def _refusal(words: Words, heading: str, refusal: Mapping[str, Any]) -> Html:
    """What keeps the table from being woken, until when, and what would help."""
    details = refusal["details"]
    parts = [
        filled("<h2>{heading}</h2>", heading=heading),
        filled("<p>{said}</p>", said=_in(words, refusal)),
    ]
    until = details.get("until") or details.get("retryAt")
    if until:
        parts.append(
            filled("<p>{until} {at}</p>", until=words.until, at=_time(int(until))),
        )
    elif "retryAfter" in details:
        minutes = -(-int(details["retryAfter"]) // 60)
        parts.append(filled("<p>{said}</p>", said=words.again_in.format(minutes)))
    if "missing" in details and "kofiPage" in details:
        missing = f"{details['missing']:.2f}"
        page = str(details["kofiPage"])
        link = filled('<a href="{page}" rel="noreferrer">{page}</a>', page=page)
        parts.append(
            filled(
                "<p>{said} {page}</p>",
                said=words.donation.format(missing),
                page=link if page.startswith(("https://", "http://")) else page,
            )
        )
    return Html("\n".join(parts))


def _in(words: Words, refusal: Mapping[str, Any]) -> str | Html:
    """The refusal in the language: its own words in English."""
    message = str(refusal["message"])
    if words.language == "en":
        is_to_owner = message.startswith(("Your ", "You "))
        return words.owner_is_told.format(message) if is_to_owner else message
    own = words.refusals.get(refusal["kind"])
    if own is not None:
        return own
    return filled(
        '{other} <span lang="en">{message}</span>', other=words.other_refusal, message=message
    )

"""Who asks for a table's address without wanting to play: as their makers and others' access logs have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

# What previews of links say they are (the makers' own pages on their crawlers) and what they take.
PREVIEWS = {
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)": "",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": "*/*",
    "Slackbot 1.0 (+https://api.slack.com/robots)": "text/html",
    "Twitterbot/1.0": "*/*",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": "*/*",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)": "*/*",
    "WhatsApp/2.23.20.0": "",
    "TelegramBot (like TwitterBot)": "text/html",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)": "text/html, */*",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "text/html,*/*;q=0.8",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)": "*/*",
}
# What scanners look for, by the paths of public block lists and access logs.
SCANNED = (
    *("/.env", "/.git/config", "/.git/HEAD", "/.aws/credentials", "/wp-login.php", "/xmlrpc.php"),
    *("/wp-includes/wlwmanifest.xml", "/wp-admin/setup-config.php", "/phpmyadmin/index.php"),
    *("/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/actuator/health", "/server-status"),
    *("/cgi-bin/luci", "/boaform/admin/formLogin", "/solr/admin/", "/adminer.php", "/config.yml"),
    *("/owa/auth/logon.aspx", "/HNAP1", "/sdk", "/robots.txt", "/sitemap.xml", "/favicon.ico"),
    *(
        "/_ignition/execute-solution",
        "/api-docs",
        "/swagger.json",
        "/admin",
        "/login",
        "/shell.php",
    ),
    *("/src/config/%2eenv", "/_wake/", "/_WAKE", "//_wake", "/_wake%00", "/_state/../_wake", "/"),
    *(
        "/_wake",
        "/_state",
        "/_table/page.js",
        "/v1/actions/wake-table",
        "/v1/actions/start-instance",
    ),
)
SCANNERS = (
    "Mozilla/5.0 zgrab/0.x",
    "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)",
    "masscan/1.3 (https://github.com/robertdavidgraham/masscan)",
    "Expanse, a Palo Alto Networks company, searches across the global IPv4 space multiple times per day",
    "python-requests/2.32.3",
    "curl/8.9.1",
    "Go-http-client/1.1",
    "",
)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
# What the tab of a world asks for that was left open: socket.io's polling, its upgrade, and files of the world.
TAB = (
    "/socket.io/?session=4f1c0a9be2&EIO=4&transport=polling&t=PnSocXQ",
    "/socket.io/?session=4f1c0a9be2&EIO=4&transport=websocket",
    "/api/status",
    "/worlds/curse/maps/barovia.webp",
    "/game",
    "/join",
    "/ui/sounds/dice.wav",
    "/manifest.json",
)


@dataclass(frozen=True)
class Request:
    """A request, as one of them sends it."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


def crowd(size: int, seed: int, nonce: str, code: str) -> Iterator[Request]:
    """So many requests in turn by previews, scanners and forgotten tabs; some know a nonce and the code."""
    chance = Random(seed)  # noqa: S311 - which of them, by seed
    made = (_preview, _scanner, _tab)
    for number in range(size):
        yield made[number % len(made)](chance, nonce, code)


def _preview(chance: Random, nonce: str, code: str) -> Request:
    agent, accept = chance.choice(sorted(PREVIEWS.items()))
    headers = {"user-agent": agent, "x-forwarded-for": _address(chance)}
    headers |= {"accept": accept} if accept else {}
    headers |= {"range": "bytes=0-524287"} if agent.startswith("Slackbot-L") else {}
    path = chance.choice(["/", "/", "/join", "/game", "/_wake", "/_state"])
    query = chance.choice(["", f"code={code}", f"code={code}&nonce={nonce}"])
    return Request(chance.choice(["GET", "GET", "GET", "HEAD"]), path, query, headers)


def _scanner(chance: Random, nonce: str, code: str) -> Request:
    headers = {"user-agent": chance.choice(SCANNERS), "x-forwarded-for": _address(chance)}
    headers["accept"] = chance.choice(["*/*", PAGE, "", "application/json"])
    method = chance.choice(
        ["GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "PROPFIND"]
    )
    body = None
    if method in ("POST", "PUT"):
        form = f"nonce={nonce}&code={code}&0x%5B%5D=androxgh0st"
        body = chance.choice(
            [form, "<?php phpinfo();", '{"action": "start-instance"}', ""]
        ).encode()
        headers["content-type"] = chance.choice(
            ["application/x-www-form-urlencoded", "application/json", "text/plain"]
        )
    query = chance.choice(["", "", f"nonce={nonce}&code={code}", "XDEBUG_SESSION_START=phpstorm"])
    is_form = method == "POST" and chance.random() < 0.3
    path = "/_wake" if is_form else chance.choice(SCANNED)
    return Request(method, path, query, headers, body)


def _tab(chance: Random, nonce: str, code: str) -> Request:
    path, _, query = chance.choice(TAB).partition("?")
    page = path in ("/game", "/join")
    headers = {
        "user-agent": CHROME,
        "accept": PAGE if page else chance.choice(["*/*", "image/webp,*/*", "application/json"]),
        "referer": "https://ada.play.example/game",
        "cookie": "session=4f1c0a9be2",
        "sec-fetch-site": "same-origin",
        "sec-fetch-mode": "navigate" if page else "cors",
        "x-forwarded-for": _address(chance),
    }
    if query.endswith("websocket"):
        headers |= {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    if "polling" in query and chance.random() < 0.5:
        headers |= {
            "origin": "https://ada.play.example",
            "content-type": "text/plain;charset=UTF-8",
        }
        return Request("POST", path, query, headers, b"2")
    return Request("GET", path, query, headers)


def _address(chance: Random) -> str:
    return f"198.51.100.{chance.randrange(256)}"

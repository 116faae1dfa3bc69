"""A stand-in of Foundry VTT: `python main.mjs --port=30000 --dataPath=/data`, from a release that the run plays.

As far as the platform and a browser meet it, it behaves as Foundry does: it takes its time to come up, binds its
licence's signature to the host name, knows an administrator, worlds and players, holds a lock, and has databases
open, which an abrupt end leaves so. Its log has Foundry's words where those are known (docs/sources.md).

It is one file without anything but the standard library, since a release of it is a file, too.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs

# What can be made to go wrong, for tests and for the curious: by the page /_stand-in of a table (local/front.py).
SWITCHES = {
    "crash": "Foundry ends with an error, at once and in the midst of everything",
    "out-of-memory": "its world needs 2.5 GB: with less it is killed",
    "never-answers": "Foundry runs and answers nothing, from now on and from its next start",
    "slow": "Foundry takes a minute to come up",
    "licence-invalid": "foundryvtt.com does not know the licence: no signature holds",
    "login-fails": "foundryvtt.com refuses the account, as it would a table's own",
    "too-many-requests": "foundryvtt.com answers 429 to who asks for a release",
    "disk-full": "nothing more can be written: Foundry ends as soon as it wants to",
}
ONCE = ("crash", "too-many-requests")  # unless more is asked for; the others stay until taken back
OUT_OF_MEMORY = "out-of-memory"  # the file in HOME by which the machine is told who was killed
MACHINE = "machine.json"  # in HOME: what is known of the machine
_WORLD_NEEDS = 2560  # MB
_SLOW_SECONDS = 60
# So often it touches its lock, and takes over one that is twice as old; Foundry's 5 s, made as short as all else.
_LOCK_SECONDS = 1
_CLOSE_SECONDS = 1.0
_SEEN_WITHIN = 60  # seconds since a player's page was last seen: then the tab has been closed
_SYSTEM = {"id": "dnd5e", "version": "5.3.3"}
_DATABASES = ("actors", "scenes", "messages")
PLAYERS = ("Gamemaster", "Alex", "Robin", "Sam")


def signature(key: str, host: str) -> str:
    """What foundryvtt.com would sign a licence with, for one host."""
    return hashlib.sha256(f"{key.replace('-', '')} on {host}".encode()).hexdigest()


def hidden(admin_key: str) -> str:
    """The administrator's key as it is on the disk."""
    return hashlib.sha512(admin_key.encode()).hexdigest()


def set_switch(directory: Path, host: str, does: str, times: int | None = None) -> None:
    """Let what is called `does` go wrong at a table, so many times (0: until taken back); "" takes back."""
    path = directory / f"{host}.json"
    if not does:
        path.unlink(missing_ok=True)
        return
    times = int(does in ONCE) if times is None else times
    part = path.with_suffix(f".{secrets.token_hex(4)}")
    part.write_text(json.dumps({"does": does, "times": times}))
    part.replace(path)


def switch_of(directory: Path, host: str) -> str:
    """What is to go wrong at a table; "" for nothing."""
    return _switch(directory, host)[0]


def switched(directory: Path, host: str, *among: str) -> str:
    """What is to go wrong now, if it is one of those; each answer uses it up once."""
    does, times = _switch(directory, host)
    if does not in among:
        return ""
    if times == 1:
        set_switch(directory, host, "")
    elif times:
        set_switch(directory, host, does, times - 1)
    return does


def _switch(directory: Path, host: str) -> tuple[str, int]:
    try:
        said = json.loads((directory / f"{host}.json").read_text())
        return str(said["does"]), int(said["times"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", 0


def make_world(data: Path, world: str, title: str, version: str) -> None:
    """A world on the disk, last opened in a version of Foundry, with databases that are closed."""
    root = data / "Data/worlds" / world
    for name in _DATABASES:
        (root / "data" / name).mkdir(parents=True, exist_ok=True)
        (root / "data" / name / "CURRENT").write_text("MANIFEST-000001\n")
        (root / "data" / name / "000003.log").write_bytes(os.urandom(64))
    system = data / "Data/systems" / _SYSTEM["id"]
    system.mkdir(parents=True, exist_ok=True)
    (system / "system.json").write_text(json.dumps(_SYSTEM, indent=2))
    facts = {"id": world, "title": title, "system": _SYSTEM["id"]}
    facts |= {"coreVersion": version, "systemVersion": _SYSTEM["version"]}
    (root / "world.json").write_text(json.dumps(facts, indent=2))


def say(level: str, text: str, who: str = "FoundryVTT") -> None:
    """A line of the log."""
    print(
        f"{who} | {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} | [{level}] {text}",
        flush=True,
    )


class Foundry:
    """A running server."""

    def __init__(self, data: Path, machine: Mapping[str, Any], release: Mapping[str, Any]) -> None:
        self.data, self._config = data, data / "Config"
        self._machine = machine
        self.build = release["build"]
        self.version = f"{release['generation']}.{self.build}"
        self._options = self._read("options.json")
        self._switches, self.host = Path(machine["switches"]), _host_name(machine)
        self.sessions: dict[str, dict[str, Any]] = {}
        self.world: dict[str, Any] | None = None
        self._since = 0.0
        self._lock = threading.RLock()
        self._holds_lock = False
        self.answers = True
        self.signed = False

    # --- Coming up, and going ---------------------------------------------------------------------------------

    def start(self, world: str | None) -> None:
        """All until it listens; ends the process if that cannot be."""
        say("info", f"Running on Node.js - Version {self._machine['node']}")
        say("info", f"Foundry Virtual Tabletop - Version {self.version.replace('.', ' Build ')}")
        say("info", 'User Data Directory - "/data"')
        self._take_lock()
        say("info", f"Application Options:\n{json.dumps(self._options, indent=2)}")
        is_slow = self._switched("slow")
        time.sleep(_SLOW_SECONDS if is_slow else self._machine["seconds"])
        if self._switched("never-answers"):
            self.answers = False
        self.signed = self._is_signed()
        world = world or self._options.get("world")
        if world and self.signed:
            self.launch(world)

    def _take_lock(self) -> None:
        lock = self._config / "options.json.lock"
        if lock.exists() and time.time() - lock.stat().st_mtime < 2 * _LOCK_SECONDS:
            fatal = (
                "A fatal error occurred while trying to start the Foundry Virtual Tabletop server: "
            )
            fatal += "Foundry VTT cannot start in this directory which is already locked by another process."
            say(
                "error",
                f"{fatal}\nError: {fatal}\n    at _acquireLockFile (file:///home/node/init.mjs)",
            )
            sys.exit(1)
        lock.mkdir(exist_ok=True)
        self._holds_lock = True

        def touch() -> None:
            with suppress(FileNotFoundError):  # given back
                while True:
                    os.utime(lock)
                    time.sleep(_LOCK_SECONDS)

        threading.Thread(target=touch, daemon=True).start()

    def _is_signed(self) -> bool:
        licence = self._read("license.json")
        held = licence.get("signature")
        if not held:
            say("warn", "Software license requires signature.")
            return False
        good = signature(str(licence.get("license", "")), self.host)
        if held != good or self._switched("licence-invalid"):
            say(
                "error",
                "Software license verification failed."
                " Please confirm your Foundry Virtual Tabletop software license",
            )
            return False
        say("info", "Software license verification succeeded")
        return True

    def sign(self) -> None:
        """The administrator agrees to the licence."""
        licence = self._read("license.json")
        key = str(licence.get("license", ""))
        if self._switched("licence-invalid"):
            say("error", "The provided license key is not valid.")
            return
        licence |= {"host": self.host, "signature": signature(key, self.host)}
        (self._config / "license.json").write_text(json.dumps(licence, indent=2))
        self.signed = True
        say("info", "Software license verification succeeded")

    def close(self) -> None:
        """End in order: close the world, give the lock back."""
        self.shut_world()
        if self._holds_lock:
            (self._config / "options.json.lock").rmdir()

    # --- Worlds -----------------------------------------------------------------------------------------------

    def worlds(self) -> dict[str, str]:
        """The titles of the worlds on the disk, by their ids."""
        found = {}
        for facts in sorted((self.data / "Data/worlds").glob("*/world.json")):
            with suppress(OSError, ValueError):
                found[facts.parent.name] = str(json.loads(facts.read_text())["title"])
        return found

    def launch(self, world: str) -> None:
        """Make a world active, with its databases open."""
        with self._lock:
            root = self.data / "Data/worlds" / world
            if self.world or world not in self.worlds():
                say("error", f"The requested world {world} does not exist or cannot be launched.")
                return
            for name in _DATABASES:
                database = root / "data" / name
                database.mkdir(parents=True, exist_ok=True)
                if (database / "OPEN").exists():
                    say(
                        "warn",
                        f"Database {world}/{name} was not closed: recovering what is left of it.",
                    )
                (database / "OPEN").touch()
            facts = json.loads((root / "world.json").read_text())
            facts |= {"coreVersion": self.version, "systemVersion": _SYSTEM["version"]}
            (root / "world.json").write_text(json.dumps(facts, indent=2))
            self.world, self._since = {**facts, "id": world}, time.monotonic()
            say("info", f"Launching World: {facts['title']}")
        threading.Thread(target=self._write_on, args=(world,), daemon=True).start()

    def _write_on(self, world: str) -> None:
        """Something is written to an open world all the time."""
        journal = self.data / "Data/worlds" / world / "data" / _DATABASES[0] / "000003.log"
        while self.world and self.world["id"] == world:
            with journal.open("ab") as file:
                file.write(os.urandom(16))
            time.sleep(1)

    def shut_world(self) -> None:
        """Back to the setup screen; the databases are closed in order."""
        with self._lock:
            if self.world is None:
                return
            root = self.data / "Data/worlds" / self.world["id"] / "data"
            say("info", f"Shutting down World: {self.world['title']}")
            self.world = None
            time.sleep(_CLOSE_SECONDS)
            for name in _DATABASES:
                (root / name / "OPEN").unlink(missing_ok=True)
            for session in self.sessions.values():
                session.pop("player", None)

    def status(self) -> dict[str, Any]:
        """What /api/status says."""
        world = self.world
        if world is None:
            return {"active": False, "version": self.version}
        return {
            "active": True,
            "version": self.version,
            "world": world["id"],
            "system": world.get("system", ""),
            "systemVersion": _SYSTEM["version"],
            "users": len(self.players()),
            "uptime": round((time.monotonic() - self._since) * 1000),
        }

    def players(self) -> set[str]:
        """Who is in the world."""
        now = time.monotonic()
        return {
            s["player"]
            for s in list(self.sessions.values())
            if "player" in s and now - s["seen"] < _SEEN_WITHIN
        }

    def knows(self, admin_key: str) -> bool:
        """Whether that is the administrator's key."""
        with suppress(OSError):
            return (self._config / "admin.txt").read_text().strip() == hidden(admin_key)
        return False

    # --- What goes wrong --------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Do what is asked for while it runs; for ever."""
        while True:
            if self._switched("crash"):
                say("error", "Error: this stand-in was asked to crash")
                os._exit(1)
            if self._machine["memory"] < _WORLD_NEEDS and self._switched("out-of-memory"):
                (Path.home() / OUT_OF_MEMORY).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if self._switched("disk-full"):
                full = "ENOSPC: no space left on device, write"
                say("error", f"{full}\nError: {full}\n    at Object.writeSync (node:fs:926:3)")
                os._exit(1)
            if self._switched("never-answers"):
                self.answers = False
            time.sleep(0.2)

    def _switched(self, does: str) -> str:
        return switched(self._switches, str(self._options.get("hostname")), does)

    def _read(self, name: str) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            said = json.loads((self._config / name).read_text())
            return said if isinstance(said, dict) else {}
        return {}


def _host_name(machine: Mapping[str, Any]) -> str:
    """What os.hostname() says: of the machine, unless a file that Node.js is told to load first says another."""
    found = re.search(r"--require=(\S+)", os.environ.get("NODE_OPTIONS", ""))
    if found:
        name = re.search(r"^const name = (\".*\");$", Path(found[1]).read_text(), re.MULTILINE)
        if name:
            return str(json.loads(name[1]))
    return f"ip-{machine['address'].replace('.', '-')}.ec2.internal"


class Handler(BaseHTTPRequestHandler):
    """Foundry's pages, and their forms."""

    protocol_version = "HTTP/1.1"
    foundry: Foundry
    session: dict[str, Any]
    cookie: str

    def do_GET(self) -> None:
        """A page."""
        if self._is_open():
            page = self.path.partition("?")[0]
            pages: dict[str, Callable[[], None]] = {
                "/api/status": self._status,
                "/license": self._license,
                "/auth": self._auth,
                "/setup": self._setup,
                "/join": self._join,
                "/game": self._game,
                "/": self._home,
            }
            pages.get(page, self._nothing)()

    do_HEAD = do_GET  # noqa: N815 - as the library calls it

    def do_POST(self) -> None:
        """What a form says."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode(errors="replace")
        if self._is_open():
            page = self.path.partition("?")[0]
            forms: dict[str, Callable[[dict[str, Any]], None]] = {
                "/license": self._sign,
                "/auth": self._prove,
                "/setup": self._order,
                "/join": self._enter,
                "/game": self._leave,
            }
            forms.get(page, self._no_form)(self._said(body))

    def _is_open(self) -> bool:
        """Whether it answers at all, with what is known of who asks; what is not is waited for, for ever."""
        while not self.foundry.answers:
            time.sleep(1)
        cookies = SimpleCookie(self.headers.get("Cookie", ""))
        self.cookie = cookies["session"].value if "session" in cookies else ""
        self.session = self.foundry.sessions.get(self.cookie, {})
        return True

    def _said(self, body: str) -> dict[str, Any]:
        if self.headers.get("Content-Type", "").startswith("application/json"):
            with suppress(ValueError):
                said = json.loads(body)
                return said if isinstance(said, dict) else {}
            return {}
        return {name: values[-1] for name, values in parse_qs(body).items()}

    # --- Pages ------------------------------------------------------------------------------------------------

    def _status(self) -> None:
        self._send(200, json.dumps(self.foundry.status()), "application/json")

    def _home(self) -> None:
        if not self.foundry.signed:
            self._redirect("/license")
        else:
            self._redirect("/join" if self.foundry.world else "/setup")

    def _license(self) -> None:
        if self.foundry.signed:
            self._home()
            return
        self._page(
            "License agreement",
            "<p>This stand-in of Foundry wants its licence agreement signed by its administrator.</p>",
            '<label>Administrator password <input type="password" name="adminPassword"></label>'
            '<label><input type="checkbox" name="agree" value="yes"> I agree</label>'
            "<button>Sign</button>",
        )

    def _auth(self) -> None:
        self._page(
            "Administrator access",
            "",
            '<label>Administrator password <input type="password" name="adminPassword"></label>'
            "<button>Enter</button>",
        )

    def _setup(self) -> None:
        if not self.foundry.signed or self.foundry.world:
            self._home()
        elif not self.session.get("admin"):
            self._redirect("/auth")
        else:
            worlds = "".join(
                f'<button name="world" value="{html.escape(world)}">Launch {html.escape(title)}</button>'
                for world, title in self.foundry.worlds().items()
            )
            self._page(
                "Setup",
                "<h2>Worlds</h2>",
                f'<input type="hidden" name="action" value="launchWorld">{worlds or "<p>None yet.</p>"}',
                '<input type="hidden" name="action" value="createWorld">'
                '<label>A new world <input name="title"></label><button>Create</button>',
            )

    def _join(self) -> None:
        if not self.foundry.signed or not self.foundry.world:
            self._home()
            return
        there = self.foundry.players()
        choices = "".join(
            f'<button name="userid" value="{name}"{" disabled" if name in there else ""}>'
            f"Join as {name}</button>"
            for name in PLAYERS
        )
        title = html.escape(self.foundry.world["title"])
        self._page(f"Join {title}", f"<p>{len(there)} in the world.</p>", choices)

    def _game(self) -> None:
        if not self.foundry.world or "player" not in self.session:
            self._redirect("/join")
            return
        self.session["seen"] = time.monotonic()
        title, player = html.escape(self.foundry.world["title"]), self.session["player"]
        self._page(
            title,
            f'<p>{player} is in the world.</p><meta http-equiv="refresh" content="15">',
            "<button>Leave</button>",
        )

    def _nothing(self) -> None:
        self._send(404, "Not found", "text/plain")

    def _no_form(self, said: dict[str, Any]) -> None:
        self._nothing()

    # --- Forms ------------------------------------------------------------------------------------------------

    def _sign(self, said: dict[str, Any]) -> None:
        if self.foundry.knows(str(said.get("adminPassword", ""))) and said.get("agree"):
            self.foundry.sign()
            self._begin(admin=True)
            self._home()
        else:
            self._redirect("/license")

    def _prove(self, said: dict[str, Any]) -> None:
        if not self.foundry.knows(str(said.get("adminPassword", ""))):
            self._redirect("/join" if self.foundry.world else "/auth")
            return
        self._begin(admin=True)
        self._redirect("/setup" if self.foundry.signed else "/license")

    def _order(self, said: dict[str, Any]) -> None:
        if not self.session.get("admin"):
            self._send(403, json.dumps({"error": "You are no administrator"}), "application/json")
            return
        if said.get("shutdown"):
            self.foundry.shut_world()
        elif said.get("action") == "launchWorld":
            self.foundry.launch(str(said.get("world", "")))
        elif said.get("action") == "createWorld" and said.get("title"):
            title = str(said["title"])
            world = re.sub("[^a-z0-9]+", "-", title.lower()).strip("-") or "world"
            make_world(self.foundry.data, world, title, self.foundry.version)
        if self.headers.get("Content-Type", "").startswith("application/json"):
            self._status()
        else:
            self._home()

    def _enter(self, said: dict[str, Any]) -> None:
        player = str(said.get("userid", ""))
        if self.foundry.world and player in PLAYERS and player not in self.foundry.players():
            self._begin(player=player, seen=time.monotonic())
            say("info", f"{player} joined the world")
            self._redirect("/game")
        else:
            self._redirect("/join")

    def _leave(self, said: dict[str, Any]) -> None:
        self.session.pop("player", None)
        self._redirect("/join")

    # --- Answers ----------------------------------------------------------------------------------------------

    def _begin(self, **facts: Any) -> None:
        """The session of who asks, from now on with these facts."""
        if not self.cookie or self.cookie not in self.foundry.sessions:
            self.cookie = secrets.token_urlsafe(16)
        self.session = self.foundry.sessions.setdefault(self.cookie, {})
        self.session.update(facts)

    def _page(self, title: str, intro: str, *forms: str) -> None:
        shown = "".join(f'<form method="post">{form}</form>' for form in forms)
        self._send(
            200,
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>Foundry (stand-in): '
            f"{title}</title><style>body{{font-family:sans-serif;max-width:40em;margin:2em auto;"
            "padding:0 1em}button,label{display:block;margin:.5em 0;font-size:1em}</style>"
            f"<main><h1>{title}</h1>{intro}{shown}</main></html>",
            "text/html; charset=utf-8",
        )

    def _redirect(self, to: str) -> None:
        self._send(302, "", "text/plain", {"Location": to})

    def _send(
        self, status: int, text: str, kind: str, headers: Mapping[str, str] | None = None
    ) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.session:
            self.send_header("Set-Cookie", f"session={self.cookie}; Path=/; HttpOnly")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Foundry logs no requests."""


class Server(ThreadingHTTPServer):
    """Its socket, without asking for the machine's name, as HTTPServer's would."""

    daemon_threads = True
    server_bind = TCPServer.server_bind


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 after SIGTERM."""
    given = dict(argument.removeprefix("--").partition("=")[::2] for argument in arguments)
    machine = json.loads((Path.home() / MACHINE).read_text())
    release = json.loads(Path(__file__).with_name("package.json").read_text())["release"]
    foundry = Handler.foundry = Foundry(Path(given["dataPath"]), machine, release)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        foundry.start(given.get("world"))
        server = Server((machine["address"], int(given["port"])), Handler)
        threading.Thread(target=foundry.watch, daemon=True).start()
        say("info", f"Server started and listening on port {given['port']}")
        server.serve_forever(
            poll_interval=3600
        )  # it only says how soon shutdown() would be noticed
    finally:
        foundry.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The image ghcr.io/felddy/foundryvtt, played: `python -m local.foundry_image PROGRAM ...` is one of its programs.

Its rules are those of September 2026: what it fetches and when, what it writes to /data, what Foundry gets of its
environment. Its log has the image's words (docs/sources.md). foundryvtt.com is a file, PLAYED_RELEASE.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from local import foundry

# Of what the tags stand for; any other tag names its build itself.
BUILDS = {"11": "11.315", "12": "12.331", "13": "13.351", "14": "14.365", "release": "14.365"}
NODE = "22.16.0"
_KEY_LENGTH = 24
_PROGRAMS = {"entrypoint.sh": "entrypoint", "authenticate.js": "authenticate"}
_PROGRAMS |= {"get_release_url.js": "get-release-url"}
_START = f'#!/bin/sh\nexec "$PLAYED_PYTHON" -S -B -u -m {__name__} %s "$@"\n'


def build_of(tag: str) -> str:
    """The build of Foundry that an image installs; ValueError if there is no such image."""
    found = re.fullmatch(r"(\d+\.\d+)(\.\d+)?", BUILDS.get(tag, tag), re.ASCII)
    if not found:
        raise ValueError(f"This embedded run plays no tag {tag}")
    return found[1]


def unpack(home: Path, build: str, release: Path) -> dict[str, str]:
    """Put the image's programs where a container begins; returns the image's own environment."""
    home.mkdir(parents=True)
    for name, program in _PROGRAMS.items():
        (home / name).write_text(_START % program)
        (home / name).chmod(0o755)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "FOUNDRY_VERSION": build,
        "PLAYED_PYTHON": sys.executable,
        "PLAYED_RELEASE": str(release),
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
    }


def publish(build: str, path: Path) -> None:
    """A release, as foundryvtt.com has it to download: the stand-in."""
    generation, number = build.split(".")
    facts = {"release": {"generation": int(generation), "build": int(number)}}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{secrets.token_hex(4)}")  # tasks that start at once do so, too
    with zipfile.ZipFile(part, "w") as archive:
        archive.writestr("resources/app/main.mjs", Path(foundry.__file__).read_bytes())
        archive.writestr("resources/app/package.json", json.dumps(facts))
    part.replace(path)


def main() -> int:
    """Returns the exit code."""
    program, *arguments = sys.argv[1:]
    if program == "entrypoint":
        return Entrypoint(arguments).run()
    if program == "authenticate":
        return authenticate(*arguments)
    build = arguments[-1]
    code = ask_for_release(build)
    if code == 0:
        print(Path(os.environ["PLAYED_RELEASE"]).as_uri())
    return code


def switched(*among: str) -> str:
    """What is to go wrong at this container's table; nothing where it is no table's."""
    machine = _machine()
    host = os.environ.get("FOUNDRY_HOSTNAME", "")
    return foundry.switched(Path(machine["switches"]), host, *among) if host else ""


def authenticate(user: str, password: str, cookies: str) -> int:
    """Sign in to foundryvtt.com."""
    _say("info", "Requesting CSRF tokens from https://foundryvtt.com", "Authenticate")
    _say("info", f"Logging in as: {user}", "Authenticate")
    if switched("login-fails"):
        refused = f"Unable to log in as {user}, verify your credentials..."
        _say("error", refused, "Authenticate")
        _say("error", f"Unable to authenticate: {refused}", "Authenticate")
        return 255
    _say("info", f"Successfully logged in as: {user}", "Authenticate")
    Path(cookies).write_text("{}")
    return 0


def ask_for_release(build: str) -> int:
    """Ask foundryvtt.com from where the release can be had."""
    number = build.partition(".")[2]
    _say("info", f"Fetching presigned release URL for build {number}...", "ReleaseURL")
    if switched("too-many-requests"):
        _say("warn", "Unexpected response 429: Too Many Requests", "ReleaseURL")
        thrown = "Failed to fetch release URL."
        print(
            f"file:///home/node/get_release_url.js:80\n    throw new Error(`{thrown}`);\n          ^\n\n"
            f"Error: {thrown}\n"
            "    at fetchReleaseURL (file:///home/node/get_release_url.js:80:11)\n\n"
            f"Node.js v{NODE}",
            file=sys.stderr,
        )
        return 1
    return 0


class Entrypoint:
    """What the container's first program does: install, license, configure, start, and wait."""

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments
        data = next(a for a in arguments if a.startswith("--dataPath="))
        self._config = Path(data.partition("=")[2]) / "Config"
        self._license = self._config / "license.json"
        self._build = os.environ["FOUNDRY_VERSION"]
        self._cache = Path(os.environ["CONTAINER_CACHE"])
        self._release = self._cache / f"foundryvtt-{self._build}.zip"
        self._cookies = Path.home() / "cookiejar.json"
        self._child: subprocess.Popen[bytes] | None = None
        self._asked = False

    def run(self) -> int:
        """All of it; returns Foundry's exit code."""
        signal.signal(signal.SIGTERM, self._end)
        _say("info", f"Starting felddy/foundryvtt container v{self._build}.0")
        code = self._install()
        if code == 0:
            self._apply_license()
            self._configure()
            code = self._start()
        if code not in (0, 128 + signal.SIGTERM):
            (self._cache / "backoff_state.json").write_text("{}")
        return code

    def _install(self) -> int:
        _say("info", "No Foundry Virtual Tabletop installation detected.")
        code = self._fetch()
        if code:
            return code
        if not self._release.exists():
            _say("error", "Unable to install Foundry Virtual Tabletop!")
            _say("error", "Either set FOUNDRY_RELEASE_URL.")
            _say("error", "Or set FOUNDRY_USERNAME and FOUNDRY_PASSWORD.")
            _say("error", f"Or set CONTAINER_CACHE to a directory containing {self._release.name}")
            return 1
        _say("info", f"Installing Foundry Virtual Tabletop {self._build}")
        with zipfile.ZipFile(self._release) as archive:
            archive.extractall()
        _say("info", "Preserving release archive file in cache.")
        return 0

    def _fetch(self) -> int:
        """Log in and load the release, unless it is in the cache."""
        self._cache.mkdir(parents=True, exist_ok=True)
        _say("info", f"Using CONTAINER_CACHE: {os.environ['CONTAINER_CACHE']}")
        user, password = (os.environ.get(f"FOUNDRY_{n}", "") for n in ("USERNAME", "PASSWORD"))
        has_key = self._license.exists() or len(_key()) >= _KEY_LENGTH
        # A table that needs no login has it refused all the same, where that is asked for.
        host, directory = os.environ["FOUNDRY_HOSTNAME"], Path(_machine()["switches"])
        goes_wrong = foundry.switch_of(directory, host) in ("login-fails", "too-many-requests")
        if not goes_wrong and (not (user and password) or (self._release.exists() and has_key)):
            return 0
        _say("info", "Using FOUNDRY_USERNAME and FOUNDRY_PASSWORD to authenticate.")
        code = authenticate(user or "account", password, str(self._cookies))
        if code == 0:
            _say("info", "Using authenticated credentials to fetch release URL.")
            code = ask_for_release(self._build)
        if code == 0:
            _say("info", "Downloading Foundry Virtual Tabletop release.")
            loading = self._cache / "downloading.zip"
            shutil.copy(os.environ["PLAYED_RELEASE"], loading)
            loading.replace(self._release)
        return code

    def _apply_license(self) -> None:
        if self._license.exists():
            _say("info", "Not modifying existing installation license key.")
            return
        _say("info", "Installation not yet licensed.")
        self._config.mkdir(parents=True, exist_ok=True)
        if len(_key()) >= _KEY_LENGTH:
            _say("info", "Applying license key passed via FOUNDRY_LICENSE_KEY.")
            self._license.write_text(json.dumps({"license": _key().replace("-", "")}))
        elif self._cookies.exists():
            _say("info", "Attempting to fetch license key from authenticated account.")
            self._license.write_text(json.dumps({"license": "OFTHESIGNEDINACCOUNT"}))
        else:
            _say(
                "warn",
                "Unable to apply a license key since neither a license key nor"
                " credentials were provided.  The license key will need to be entered in the browser.",
            )

    def _configure(self) -> None:
        """What the image's launcher writes."""
        self._config.mkdir(parents=True, exist_ok=True)
        keeps = os.environ.get("CONTAINER_PRESERVE_CONFIG") == "true"
        options, admin = self._config / "options.json", self._config / "admin.txt"
        if keeps and options.exists():
            _say("warn", "CONTAINER_PRESERVE_CONFIG is set: Not updating options.json", "Launcher")
        else:
            _say("info", "Generating options.json file.", "Launcher")
            options.write_text(json.dumps(_options(), indent=2))
        if keeps and admin.exists():
            _say("warn", "CONTAINER_PRESERVE_CONFIG is set: Not updating admin.txt", "Launcher")
        elif key := os.environ.get("FOUNDRY_ADMIN_KEY"):
            _say("info", "Setting 'Admin Access Key'.", "Launcher")
            admin.write_text(foundry.hidden(key))

    def _start(self) -> int:
        """Foundry, with no more of the environment than its image lets it have."""
        _say("info", "Starting Foundry Virtual Tabletop.", "Launcher")
        kept = {k: v for k, v in os.environ.items() if k == "HOME" or k.startswith("NODE_")}
        command = [sys.executable, "-I", "-S", "-B", "-u", *self._arguments]
        self._child = subprocess.Popen(command, env=kept)
        if self._asked:
            self._child.terminate()
        code = self._child.wait()
        code = code if code >= 0 else 128 - code
        if code:
            _say("error", f"Child process failed with error code: {code}")
        return code

    def _end(self, order: int, frame: FrameType | None) -> None:
        _say("warn", "TERM signal received.  Shutting down server.")
        self._asked = True
        if self._child:
            with suppress(ProcessLookupError):
                self._child.terminate()


def _options() -> dict[str, Any]:
    given = os.environ.get
    return {
        "port": 30000,
        "upnp": False,
        "hostname": given("FOUNDRY_HOSTNAME"),
        "routePrefix": given("FOUNDRY_ROUTE_PREFIX"),
        "proxySSL": given("FOUNDRY_PROXY_SSL") == "true",
        "proxyPort": int(given("FOUNDRY_PROXY_PORT", "443")),
        "awsConfig": given("FOUNDRY_AWS_CONFIG"),
        "dataPath": "/data",
        "language": given("FOUNDRY_LANGUAGE", "en.core"),
        "passwordSalt": given("FOUNDRY_PASSWORD_SALT"),
        "telemetry": given("FOUNDRY_TELEMETRY") == "true",
        "world": given("FOUNDRY_WORLD"),
    }


def _key() -> str:
    return os.environ.get("FOUNDRY_LICENSE_KEY", "")


def _machine() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path.home() / foundry.MACHINE).read_text())
    return found


def _say(level: str, text: str, who: str = "Entrypoint") -> None:
    """What the programs say is on stderr but for addresses, which are read from stdout."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    print(f"{who} | {clock} | [{level}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""What looks like a secret: by its name, or by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

NAMES = re.compile(
    r"pass(word|wd|phrase|code)|pwd|secret|token|jwt|bearer|credential|authori[sz]ation|cookie|licen[cs]e|signature"
    r"|(api|access|admin|private|signing|encryption|ssh)[-_ ]?key",
    re.IGNORECASE,
)
_KEY = re.compile(r"(^|_)key$", re.IGNORECASE)
# Forms in which services give keys out (their own documents on secret scanning), Discord's bots among them.
_VALUES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|^(gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk[-_]|rk_|whsec_|AKIA|ASIA|AIza)"
    r"|^eyJ[\w-]+\.eyJ[\w-]+\.|^[\w-]{24,28}\.[\w-]{6}\.[\w-]{27,}$|://[^/\s:@]{0,64}:[^\s@]{1,256}@|:[^\s@:]{1,128}@(tcp|unix)\("
    r"|discord(app)?\.com/api/webhooks/|hooks\.slack\.com/services/"
)


def is_secret(name: str, value: str) -> bool:
    """Whether a variable of that name and value should be kept where secrets are."""
    return bool(value) and bool(NAMES.search(name) or _KEY.search(name) or _VALUES.search(value))


_HIDDEN = "…"
# In a line of a log. Licence keys are six groups of four; addresses are people's, or of machines.
_IN_A_LINE = (
    (re.compile(r"\b[A-Z0-9]{4}(?:-?[A-Z0-9]{4}){5}\b", re.IGNORECASE), _HIDDEN),
    (
        re.compile(r"(\bhttps?://[^\s?#\"'<>]{1,500})[?#][^\s\"'<>]+", re.IGNORECASE),
        rf"\1?{_HIDDEN}",
    ),
    (re.compile(r"://[^/\s:@]{0,64}:[^\s@]{1,256}@"), f"://{_HIDDEN}@"),
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"), _HIDDEN),
    (re.compile(r"(?<![\w-])eyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*"), _HIDDEN),
    (
        re.compile(
            r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|whsec_|AKIA|ASIA|AIza)[\w-]{6,}"
        ),
        _HIDDEN,
    ),
    (re.compile(r"(\b(?:Bearer|Basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1{_HIDDEN}"),
    (
        re.compile(
            r"((?:pass(?:word|wd|phrase)?|pwd|secret\w{0,30}|token|credential\w{0,30}|api[-_]?key|admin[-_]?key|access[-_]?key\w{0,30}"
            r"|licen[cs]e[-_]?key|session(?:[-_]?id)?|cookie|signature)[\"']?\s{0,9}[=:]\s{0,9}[\"']?)(?!null\b|\s)[^\s\"',;}]+",
            re.IGNORECASE,
        ),
        rf"\1{_HIDDEN}",
    ),
)


# Versions and times of day look like these, too.
_ADDRESS = re.compile(
    r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]{1,45}|\d{1,3}(?:\.\d{1,3}){3})(?!\.{0,3}\w)"
)


def masked(line: str, known: Iterable[str] = ()) -> str:
    """A line of a log without what looks like a secret, an e-mail or network address, and without those `known`."""
    for secret in sorted(filter(None, known), key=len, reverse=True):
        line = line.replace(secret, _HIDDEN)
    for pattern, instead in _IN_A_LINE:
        line = pattern.sub(instead, line)
    return _ADDRESS.sub(_unless_no_address, line)


def _unless_no_address(found: re.Match[str]) -> str:
    from ipaddress import ip_address  # a library that few processes need

    try:
        ip_address(found[0])
    except ValueError:
        return found[0]
    return _HIDDEN

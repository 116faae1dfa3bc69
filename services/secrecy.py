"""What looks like a secret: by its name, or by itself."""

from __future__ import annotations

import re

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

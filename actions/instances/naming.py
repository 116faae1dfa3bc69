"""Host names: what becomes of a user name in DNS."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator

_LONGEST = 30  # of the 63 that DNS allows: room for what tells two of the same name apart
# What people could take for the operator, or programs for something else (RFC 2142, autodiscovery). Names that the
# operator has in the zone are found there.
# fmt: off
RESERVED = frozenset({
    "abuse", "account", "accounts", "admin", "administration", "administrator", "api", "app", "apps", "assets",
    "auth", "autoconfig", "autodiscover", "backup", "billing", "blog", "board", "bot", "bots", "cdn", "chat",
    "checkout", "cloud", "community", "console", "contact", "cpanel", "dashboard", "db", "demo", "dev",
    "discord", "docs", "donate", "donation", "donations", "download", "downloads", "email", "faq", "feedback",
    "files", "forum", "foundry", "foundryvtt", "ftp", "gateway", "gm", "grafana", "graphql", "health", "help",
    "host", "hostmaster", "http", "https", "id", "images", "imap", "info", "internal", "invite", "invoice",
    "ko-fi", "kofi", "legal", "live", "local", "localhost", "login", "logout", "mail", "master", "me", "media",
    "metrics", "mod", "moderator", "monitor", "mta-sts", "mx", "my", "mysql", "news", "noc", "notice",
    "notices", "ns", "ns1", "ns2", "ns3", "ns4", "oauth", "official", "operator", "owner", "panel", "password",
    "pay", "payment", "payments", "paypal", "pop", "pop3", "portal", "postmaster", "press", "privacy", "prod",
    "production", "profile", "proxy", "register", "registration", "root", "sales", "search", "secure",
    "security", "server", "servers", "service", "services", "session", "sessions", "setup", "shop", "sign-in",
    "sign-up", "signin", "signup", "sip", "smtp", "sql", "ssh", "ssl", "sso", "staff", "stage", "staging",
    "static", "statistics", "stats", "status", "store", "stripe", "sudo", "support", "system", "team", "terms",
    "test", "token", "tos", "update", "updates", "upload", "uploads", "user", "users", "verify", "vpn", "vtt",
    "web", "webhook", "webhooks", "webmail", "webmaster", "wiki", "wpad", "ws", "www", "www1", "www2",
})
# Letters that Unicode does not take apart into one of a to z and an accent, as their languages write them without.
_LETTERS = str.maketrans({
    "ß": "ss", "ẞ": "SS", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D",
    "þ": "th", "Þ": "Th", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ħ": "h", "Ħ": "H", "\u0131": "i",
})
# fmt: on


def labels(username: str, user_id: str) -> Iterator[str]:
    """DNS labels for a user, the plain one first, then ever more surely unique ones.

    The plain one is the name in lower case without accents, with a hyphen for whatever DNS does not
    know (RFC 1035); a name of which nothing remains, or that is reserved, has none.
    """
    plain = _plain(username)
    digest = hashlib.sha256(user_id.encode()).hexdigest()
    if plain and plain not in RESERVED:
        yield plain
    for length in (4, 8, 16, 32):
        yield f"{plain or 'table'}-{digest[:length]}"


def slug(text: str) -> str:
    """The part of `text` that an S3 bucket's name may hold, at most 20 characters."""
    return _plain(text)[:20].strip("-") or "x"


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    ascii_only = apart.encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", ascii_only).strip("-")[:_LONGEST].strip("-")

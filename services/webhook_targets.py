"""Where a webhook may lead: the form of its URL, and which addresses may be connected to.

A URL is read here and nowhere else, when it is registered and again when it is posted to: what one reader lets pass
no other can then take for something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

LONGEST_URL = 2048
Address = IPv4Address | IPv6Address

# Scheme, host, port, and what is asked for: printable ASCII, no user name, no fragment.
_URL = re.compile(
    r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?([/?][!-\"$-~]*)?"
)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(
    r"[0-9]+|0[xX][0-9A-Fa-f]*"
)  # a host that ends in one is an address (WHATWG URL)
_PORTS = {"https": 443, "http": 80}

# Python's is_global follows IANA's registries, differently from version to version. What they make exceptions for
# is nobody's server; 6to4 (192.88.99.0/24, 2002::/16) and NAT64 lead to whatever IPv4 address is written in them.
_NOBODYS = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)
_UNICAST = IPv6Network(
    "2000::/3"
)  # all of IPv6 that is given to anybody, so no ::ffff:0:0/96 nor 64:ff9b::/96


@dataclass(frozen=True)
class Target:
    """What a URL says."""

    scheme: str
    host: str
    port: int
    asked: str

    @property
    def authority(self) -> str:
        """The host as the header of that name has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str, *, sandbox: bool) -> Target:
    """What `url` says. Raises ValueError, in words for who wrote it.

    The port is the scheme's own or one that anybody may serve, so that nobody is made to knock at mail servers.
    In a `sandbox` http is taken, too.
    """
    found = _URL.fullmatch(url) if len(url) <= LONGEST_URL else None
    if found is None:
        raise ValueError(
            "Send a URL such as https://hooks.example.com/functions, in ASCII,"
            f" of {LONGEST_URL:,} characters at most, without user name, password or fragment."
        )
    scheme, host, port, asked = found[1], found[2].strip("[]").lower(), found[3], found[4] or "/"
    if scheme == "http" and not sandbox:
        raise ValueError("Send a URL that begins with https://.")
    target = Target(
        scheme,
        host,
        int(port) if port else _PORTS[scheme],
        asked if asked.startswith("/") else f"/{asked}",
    )
    if target.port != _PORTS[scheme] and not 1024 <= target.port <= 65535:
        raise ValueError(f"Its port is {_PORTS[scheme]}, or one from 1024 to 65535.")
    if not _may_be_public(host, sandbox=sandbox):
        raise ValueError("Name a host by its full name, or by an address that everybody can reach.")
    return target


def is_allowed(address: Address, *, sandbox: bool) -> bool:
    """Whether an address may be connected to: a public one, in a `sandbox` this machine's own, too."""
    return _is_public(address) or (sandbox and address.is_loopback)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not any(
            address in network for network in _NOBODYS if network.version == address.version
        )
    )


def _may_be_public(host: str, *, sandbox: bool) -> bool:
    """Whether a host is a full name or an allowed address, in the one form that everybody reads alike."""
    labels = host.split(".")
    if ":" in host or _NUMBER.fullmatch(labels[-1]):
        try:
            return is_allowed(ip_address(host), sandbox=sandbox)
        except ValueError:
            return False
    return (
        len(host) <= 253
        and all(_LABEL.fullmatch(label) for label in labels)
        and (len(labels) > 1 or sandbox)
    )

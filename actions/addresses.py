"""What an address on the internet says of who is behind it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network


def network_of(address: str) -> str:
    """The address, or of version 6 its network of 64 bits, which is what somebody is given."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((known, 64), strict=False)) if known.version == 6 else address

"""Which addresses may be connected to: those of the public internet, and what the user named. Nothing else, ever.

What is checked is the address that a connection is then made to, in the resolver that hands it over: a name that means
something else the second time it is asked for (DNS rebinding) gains nothing, and neither does a redirect.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

#: Besides what ``ipaddress`` knows: NAT64 and 6to4, which carry an IPv4 address inside, are looked into.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Tell whether a numeric address belongs to the public internet.

    Private, loopback, link-local, multicast, reserved and unspecified ones do not, however they are wrapped.
    """
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or number.sixtofour or (number.teredo[1] if number.teredo else None)
        if inner is None and number in _NAT64:
            inner = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return number.is_global and not (number.is_multicast or number.is_reserved or number.is_unspecified)


class Allowed:
    """Hosts that the user named, as ``HOST`` (any port) or ``HOST:PORT``; ``[::1]:80`` for IPv6."""

    def __init__(self, named: Iterable[str]) -> None:
        self._named = frozenset(map(_parsed, named))

    def __contains__(self, place: tuple[str, int]) -> bool:
        host, port = place[0].strip("[]").lower().rstrip("."), place[1]
        return (host, 0) in self._named or (host, port) in self._named


def named_by(endpoints: Iterable[str]) -> list[str]:
    """Return the hosts and ports of addresses that the user typed, for ``Allowed``."""
    places = []
    for address in endpoints:
        parts = urlsplit(address)
        if parts.hostname:
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
            places.append(f"[{parts.hostname}]:{port}")
    return places


def _parsed(text: str) -> tuple[str, int]:
    text = text.strip().lower()
    if text.startswith("["):
        host, _bracket, rest = text[1:].partition("]")
        return host.rstrip("."), int(rest[1:]) if rest[1:].isdigit() else 0
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and ":" not in host:
        return host.rstrip("."), int(port)
    return text.rstrip("."), 0

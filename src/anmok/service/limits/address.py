"""Who a visitor is to a limit: the address that they come from, which a proxy in front may tell if it is trusted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

from anmok.errors import UsageError
from anmok.i18n import _

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: How ANMOK_PROXIES names a proxy that comes through a socket file, which has no address.
SOCKET_FILE = "unix"
#: A network of this size is one visitor: providers hand out no less, and within it one changes addresses at will.
IPV6_PREFIX = 64
#: Entries of X-Forwarded-For that are looked at, from the end.
_MOST_ENTRIES = 20


class Proxies:
    """The proxies that are believed.

    Args:
        text: addresses and networks separated by commas, and ``unix`` for one that comes through a socket file.

    Raises:
        UsageError: an entry is no address.
    """

    def __init__(self, text: str) -> None:
        words = [word.strip() for word in text.split(",") if word.strip()]
        self.by_socket_file = SOCKET_FILE in words
        networks: list[Network] = []
        for word in words:
            if word == SOCKET_FILE:
                continue
            try:
                networks.append(ip_network(word))
            except ValueError as error:
                raise UsageError(
                    _("ANMOK_PROXIES names {word}, which is no address of a proxy.").format(word=word),
                    hint=_(
                        "Write addresses or networks, separated by commas, such as 127.0.0.1,10.0.0.0/24; "
                        "unix stands for a proxy that comes through a socket file."
                    ),
                ) from error
        self.networks: Sequence[Network] = tuple(networks)

    def __contains__(self, peer: Address | None) -> bool:
        """Tell whether the other end of a connection is one of them; None: it has no address."""
        return self.by_socket_file if peer is None else any(peer in network for network in self.networks)


def client_address(request: HttpRequest) -> Address | None:
    """Return the address that a request comes from; None: from this machine, through a socket file."""
    peer, forwarded = parse(request.META.get("REMOTE_ADDR", "")), request.META.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded and peer not in settings.PROXIES and (peer is None or peer.is_private):
        _warn()
    return behind(peer, forwarded, settings.PROXIES)


def behind(peer: Address | None, forwarded: str, proxies: Proxies) -> Address | None:
    """Return who asks, where ``peer`` is the other end of the connection and ``forwarded`` is X-Forwarded-For.

    The header is read from its end, since whoever asks may write anything before what our own proxies add: each proxy
    that is trusted vouches for the entry that it added, and the first entry that is no such proxy is the visitor.
    """
    if peer not in proxies:
        return peer
    for entry in reversed(forwarded.split(",")[-_MOST_ENTRIES:]):
        told = parse(entry)
        if told is None:
            break
        peer = told
        if peer not in proxies:
            break
    return peer


def network_of(address: Address | None) -> str:
    """Return what stands for one visitor: an IPv4 address, a network of IPv6, or ``unix``."""
    if address is None:
        return SOCKET_FILE
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def parse(text: str) -> Address | None:
    """Return an address as proxies write it, perhaps with a port; None where it is none.

    An IPv4 address that is written as one of IPv6 is the IPv4 address.
    """
    word = text.strip()
    if word.startswith("["):
        word = word[1:].partition("]")[0]
    elif word.count(":") == 1:
        word = word.partition(":")[0]
    try:
        # A zone names a network card of this machine.
        address = ip_address(word.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _warn() -> None:
    global _warned  # noqa: PLW0603 - once in the life of a process
    if not _warned:
        _warned = True
        logging.getLogger(__name__).warning(
            "a proxy seems to stand in front, but ANMOK_PROXIES does not name it: "
            "all its visitors share one limit. See docs/accounts.md."
        )


_warned = False

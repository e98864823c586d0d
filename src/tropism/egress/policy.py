"""Where we may connect to when a user says where: public addresses, and what the operator allows besides.

Addresses are judged, not names: a name is resolved again and again, and each time to whatever its owner likes.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

WORDS: Mapping[str, tuple[Network, ...]] = MappingProxyType(
    {
        "public": (),
        "loopback": (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        "private": tuple(
            map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
        ),
        "all": (),
    }
)
"""What an operator can say for many addresses at once."""

METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google, and most others
            "169.254.170.2",  # credentials of AWS containers
            "169.254.170.23",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",  # Google
            "fd00:c1::a9fe:a9fe",  # Oracle
            "fe80::a9fe:a9fe",  # OpenStack
            "169.254.42.42",  # Scaleway
            "fd00:42::42",
            "169.254.0.23",  # Tencent
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure's wire server, at a public address
            "192.0.0.192",  # Oracle
        ),
    )
)
"""They give a machine's credentials to whoever asks from it. A network that holds one does not allow it."""

_NAT64 = ip_network("64:ff9b::/96")
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    map(
        ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "3fff::/20", "5f00::/16", "fec0::/10"),
    )
)
"""Releases of Python differ on these; nobody serves models or rewards there."""
_V4_COMPATIBLE = ip_network("::/96")
_NO_WEB_BELOW, _WEB = 1024, (80, 443)


class EgressRefused(OSError):
    """We do not connect there; the message is fit for the caller's eyes."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, f"{reason}; the operator can allow it with TROPISM_EGRESS_ALLOW")


@dataclass(frozen=True, slots=True)
class Egress:
    """What is allowed besides public addresses: networks, and hosts whose names the operator trusts."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    everything: bool = False

    def trusts(self, host: str) -> bool:
        """Whether the operator named this host: then it may be at any address that gives out no credentials."""
        return self.everything or host.lower().rstrip(".") in self.hosts

    def trusting(self, url: str) -> Egress:
        """The same, and the host of this URL, which the operator set."""
        return replace(self, hosts=self.hosts | {(urlsplit(url).hostname or "").rstrip(".")})

    def refuse(self, host: str, address: Address, port: int) -> None:
        """Raise `EgressRefused` unless this host may be asked at this address."""
        if self.everything:
            return
        real = _where_it_ends(address)
        if real in METADATA or _low_half(real) in METADATA:
            if not any(real in network and network.num_addresses == 1 for network in self.networks):
                raise EgressRefused(f"{host!r} leads to an address that gives out credentials")
        elif not (self.trusts(host) or any(real in network for network in self.networks)):
            if (kind := _kind(real)) is not None:
                raise EgressRefused(f"{host!r} leads to a {kind} address, and only public ones are allowed here")
            if port < _NO_WEB_BELOW and port not in _WEB:
                raise EgressRefused(f"port {port} of {host!r} is no port of the web")


def allowing(entries: Iterable[str]) -> Egress:
    """What these entries allow: `loopback`, `private`, `all`, addresses, networks such as 10.1.0.0/16, host names.

    `public` allows nothing more. Raises `ValueError` for what is none of them.
    """
    networks: list[Network] = []
    hosts: set[str] = set()
    words = [entry.strip().lower() for entry in entries if entry.strip()]
    for entry in words:
        if entry in WORDS:
            networks += WORDS[entry]
        elif (network := _network(entry)) is not None:
            networks.append(network)
        else:
            hosts.add(_host(entry))
    return Egress(tuple(networks), frozenset(hosts), everything="all" in words)


LAPTOP = allowing(["loopback"])
"""For a server that only this machine can reach: whoever may ask it for loopback can do that without it, too."""


def is_loopback(host: str) -> bool:
    """Whether a server that listens there can be reached from its own machine only."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None


def _host(entry: str) -> str:
    host = entry.rstrip(".")
    labels = host.split(".")
    # A mistyped network would otherwise be taken for the name of a host, and allow nothing in silence.
    if labels[-1].isdigit() or not all(label.replace("-", "").replace("_", "").isalnum() for label in labels):
        raise ValueError(
            f"{entry!r} is no host name, address or network, and none of {', '.join(WORDS)} (TROPISM_EGRESS_ALLOW)"
        )
    return host.encode("idna").decode()  # as it stands in a URL that is sent; a UnicodeError is a ValueError


def _where_it_ends(address: Address) -> Address:
    """The IPv4 address to which an IPv6 address only leads, such as ::ffff:127.0.0.1; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or (address in _V4_COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _low_half(address: Address) -> IPv4Address:
    """The IPv4 address in the last bits: translators put it there, under prefixes that only their network knows."""
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _kind(address: Address) -> str | None:
    """What is not public about an address; None if nothing is."""
    for word in ("unspecified", "loopback", "link_local", "multicast"):
        if getattr(address, f"is_{word}"):
            return word.replace("_", "-")
    public = address.is_global and not address.is_reserved and not any(address in each for each in _NOT_PUBLIC)
    return None if public else "private"

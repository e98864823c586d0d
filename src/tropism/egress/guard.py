"""The guard itself: it reads a URL as the HTTP library does, and looks at each address in the moment of connecting.

A check before connecting can be got around: the name is resolved again, and may lead elsewhere by then. So the address
is judged where the socket for it is made, whatever the URL looked like and whoever resolved it.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import aiohttp
from yarl import URL

from tropism.egress.policy import Address, Egress, EgressRefused

LONGEST_URL = 2_000


def checked_url(text: str, egress: Egress) -> URL:
    """The URL, if it is one that a user may give. Nothing is resolved: where a name leads is seen when we connect.

    Raises `ValueError` for what is no http(s) URL, `EgressRefused` for an address that is not allowed.
    """
    url = _parsed(text)
    host, port = url.raw_host or "", url.port or 0
    literal = _literal(host)
    if literal is not None:
        egress.refuse(host, literal, port)
    elif _is_this_machine(host):
        egress.refuse(host, ip_address("127.0.0.1"), port)
    return url


def connector(url: URL, egress: Egress, **options: Any) -> aiohttp.TCPConnector:
    """Connections to the host of this URL and to no address that is not allowed. `options` are TCPConnector's.

    Use it for this one host, and follow no redirects: a host that the operator named is trusted wherever it is.
    """
    host = url.raw_host or ""

    def make_socket(found: Any) -> socket.socket:
        family, kind, protocol, _, place = found
        egress.refuse(host, _address(place[0]), place[1])
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(socket_factory=make_socket, **options)


def refusal(error: BaseException) -> str | None:
    """The guard's own words, if it is behind this error of the HTTP library."""
    cause = getattr(error, "os_error", error)
    return cause.strerror if isinstance(cause, EgressRefused) else None


def _parsed(text: str) -> URL:
    if "@" in text.partition("://")[2].partition("/")[0]:  # said first: every other message repeats the URL
        raise ValueError("a URL with a user or a password in it is not taken; it would be shown to others")
    wrong = ValueError(f"{text[:200]!r} is no URL such as https://example.org:8900")
    if len(text) > LONGEST_URL or any(sign.isspace() or not sign.isprintable() or sign == "\\" for sign in text):
        raise wrong
    try:
        url = URL(text)
        host, port = url.host, url.explicit_port
    except ValueError:
        raise wrong from None
    if url.scheme not in ("http", "https") or not host or port == 0 or not _is_address_or_name(url.raw_host or ""):
        raise wrong
    if "@" in url.raw_authority:
        raise ValueError("a URL with a user or a password in it is not taken; it would be shown to others")
    return url


def _is_address_or_name(host: str) -> bool:
    """What no name server can be asked, such as `a..b` or `localhost%00.org`, would fail only when we connect."""
    if ":" in host:
        return _literal(host) is not None
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and "%" not in host and all(0 < len(label) <= 63 for label in labels)


def _literal(host: str) -> Address | None:
    """The address that is written here, or None for a name.

    C libraries know more ways to write one, such as 127.1, 0x7f000001 and 0177.0.0.1: who uses them wants to get past
    somebody, and which address they mean depends on who reads them.
    """
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    last = host.rstrip(".").rpartition(".")[2].lower()
    if last.isdigit() or last.startswith("0x"):
        raise ValueError(f"{host!r} is no address as it is usually written, such as 192.0.2.1")
    return None


def _address(text: str) -> Address:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:  # not resolved; whoever connects would do that after us
        raise EgressRefused(f"{text!r} is no address") from None


def _is_this_machine(host: str) -> bool:
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")

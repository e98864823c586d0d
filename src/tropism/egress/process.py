"""The guard for a process of its own whose libraries connect by themselves: it sees every connection of Python code.

Libraries that follow redirects, resolve names and connect in their own way have no place where a connection could be
judged. Python tells of each one before it is made (an audit event), and what is raised there keeps it from being made.
Code that is not Python's tells nothing: what is used in such a process must not connect by other means.
"""

from __future__ import annotations

import socket
import sys
import threading
from ipaddress import ip_address
from typing import Any

from tropism.egress.policy import Egress, EgressRefused

_INTERNET = (socket.AF_INET, socket.AF_INET6)


def guard_process(egress: Egress, trusted: tuple[str, int] | None = None) -> None:
    """From here on, and for as long as the process lives, connect only where it is allowed.

    `trusted` is a host that the operator named, and its port: it may be at any address that gives out no credentials.
    """
    asked = threading.local()
    for_trusted = _with_host(egress, trusted[0]) if trusted else egress

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            asked.host = _text(arguments[0])
        elif event == "socket.connect" and arguments[0].family in _INTERNET:
            place, port = arguments[1][0], arguments[1][1]
            # Who connects has looked the host up just before, and in the same thread; addresses are looked up, too.
            host = getattr(asked, "host", None) or place
            rules = for_trusted if trusted == (host, port) else egress
            rules.refuse(host, _address(place), port)

    sys.addaudithook(look)


def refusal(error: BaseException | None) -> str | None:
    """The guard's own words, if it is behind this error of a library."""
    while error is not None:
        if isinstance(error, EgressRefused):
            return error.strerror
        error = error.__cause__ or error.__context__
    return None


def _with_host(egress: Egress, host: str) -> Egress:
    return Egress(egress.networks, egress.hosts | {host.lower().rstrip(".")}, egress.everything)


def _text(host: Any) -> str:
    return host.decode() if isinstance(host, bytes) else str(host)


def _address(place: str) -> Any:
    try:
        return ip_address(place.partition("%")[0])
    except ValueError:  # a name, which would be resolved after us
        raise EgressRefused(f"{place!r} is no address") from None

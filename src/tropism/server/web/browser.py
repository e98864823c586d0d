"""What a browser sends with a call, and what it is given: cookies, and proof that a page of ours makes the call.

A cookie goes along with every call to us, whosever page makes it. So what changes something, and is allowed by a
cookie or by nothing at all, must carry a header that other sites' pages cannot send, and come from our own origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tropism.server.errors import Forbidden

PROOF = "x-tropism-csrf"
SIGN_IN = "tropism_session"
LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Where a call comes from. `origin` is our own, as the browser knows it, such as https://tropism.example.org."""

    origin: str
    address: str | None
    headers: Mapping[str, str]

    @property
    def is_secure(self) -> bool:
        return self.origin.startswith("https://")

    @property
    def agent(self) -> str | None:
        return self.headers.get("user-agent", "")[:LONGEST_AGENT] or None

    def cookie(self, name: str) -> str | None:
        """A cookie that we gave. Over https only one that no other host of the domain can have set."""
        wanted = _full(name, self.is_secure)
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return next((value for given, _, value in pairs if given == wanted and value), None)

    def keep(self, name: str, value: str, seconds: int, same_site: Literal["strict", "lax"] = "strict") -> str:
        """The header `Set-Cookie` that lets the browser keep a cookie, out of reach of scripts."""
        secure = "; Secure" if self.is_secure else ""
        full = _full(name, self.is_secure)
        return f"{full}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site.capitalize()}{secure}"

    def drop(self, name: str) -> str:
        return self.keep(name, "", 0)

    def prove(self) -> None:
        """Raise `Forbidden` unless a page of ours, or no page at all, makes this call."""
        if not self.headers.get(PROOF):
            raise Forbidden(
                f"a call without an api key needs the header {PROOF!r}, which pages of other sites cannot send"
            )
        site, origin = self.headers.get("sec-fetch-site"), self.headers.get("origin")
        if site not in (None, "same-origin", "none") or origin not in (None, self.origin):
            raise Forbidden(
                f"a page of {(origin or site or '')[:200]!r} makes this call, and this is {self.origin!r}; if users "
                "find us there, the operator says so with TROPISM_PUBLIC_URL"
            )


def own_origin(public_url: str | None, scheme: str, headers: Mapping[str, str]) -> str:
    """Where users find us: as the operator says, or as the browser has asked."""
    return public_url or f"{scheme}://{headers.get('host', '')}"


def _full(name: str, is_secure: bool) -> str:
    return f"__Host-{name}" if is_secure else name

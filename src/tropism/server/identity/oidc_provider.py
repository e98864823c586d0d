"""The identity provider: where its endpoints are, what it answers to a code, and who that is. By OpenID Connect.

Every URL passes the egress guard: the operator gives the issuer, and the issuer gives the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote_plus

import aiohttp
import msgspec

from tropism.egress.guard import checked_url, connector, refusal
from tropism.egress.policy import Egress
from tropism.server.identity.id_tokens import BadIdToken, Claims, KeysUnknown, read_id_token, require_package
from tropism.server.settings import Settings

LONGEST_ANSWER = 1_000_000
KEPT_SECONDS = 3600.0
TIMEOUT = aiohttp.ClientTimeout(total=15)
T = TypeVar("T")


class ProviderFailed(Exception):
    """The provider did not answer as it should; the message is for the operator's log."""


class Metadata(msgspec.Struct, kw_only=True, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Tokens(msgspec.Struct, kw_only=True, frozen=True):
    """What a code is exchanged for."""

    id_token: str
    access_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What the operator has registered with the provider."""

    issuer: str
    id: str
    secret: str | None = field(repr=False)


def provider(settings: Settings, monotonic: Callable[[], float]) -> Provider | None:
    """The provider that the operator has named. Raises `ValueError` for one that cannot be meant."""
    if settings.oidc_issuer is None:
        if settings.oidc_client_id or settings.oidc_roles:
            raise ValueError("TROPISM_OIDC_CLIENT_ID and TROPISM_OIDC_ROLES need TROPISM_OIDC_ISSUER: whom to ask")
        return None
    require_package()
    if settings.oidc_client_id is None:
        raise ValueError("TROPISM_OIDC_ISSUER needs TROPISM_OIDC_CLIENT_ID: what the provider calls this engine")
    client = Client(issuer=settings.oidc_issuer, id=settings.oidc_client_id, secret=settings.oidc_client_secret)
    return Provider(client, settings.egress, monotonic)


class Provider:
    """One provider. What it says of itself is asked once an hour; its keys again when a new one signs."""

    def __init__(self, client: Client, egress: Egress, monotonic: Callable[[], float]) -> None:
        checked_url(client.issuer, egress)
        self.client, self._egress, self._monotonic = client, egress, monotonic
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None

    async def metadata(self) -> Metadata:
        """Where the provider's endpoints are."""
        if self._metadata is None or self._metadata[0] + KEPT_SECONDS < self._monotonic():
            url = f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration"
            found = await self._ask("GET", url, Metadata)
            if found.issuer != self.client.issuer:
                raise ProviderFailed(f"{url} is of the issuer {found.issuer!r}, and not of {self.client.issuer!r}")
            self._check_transport(found)
            self._metadata = (self._monotonic(), found)
        return self._metadata[1]

    async def claims(self, code: str, verifier: str, nonce: str, redirect_uri: str) -> Claims:
        """Who the provider says has signed in. Raises `ProviderFailed` or `BadIdToken`."""
        metadata = await self.metadata()
        tokens = await self._exchange(metadata, code, verifier, redirect_uri)
        claims = await self._read(metadata, tokens.id_token, nonce)
        if metadata.userinfo_endpoint is None or tokens.access_token is None:
            return claims
        headers = {"authorization": f"Bearer {tokens.access_token}"}
        more = await self._ask("GET", metadata.userinfo_endpoint, dict[str, Any], headers=headers)
        if more.get("sub") != claims["sub"]:
            raise BadIdToken("the provider's answer about the user is about somebody else")
        return _joined(claims, more)

    async def _exchange(self, metadata: Metadata, code: str, verifier: str, redirect_uri: str) -> Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
            "client_id": self.client.id,
        }
        auth = None
        if self.client.secret is not None and "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            auth = aiohttp.BasicAuth(_escaped(self.client.id), _escaped(self.client.secret))
        elif self.client.secret is not None:
            form["client_secret"] = self.client.secret
        return await self._ask("POST", metadata.token_endpoint, Tokens, data=form, auth=auth)

    async def _read(self, metadata: Metadata, token: str, nonce: str) -> Claims:
        """A provider changes its keys now and then: for one that is not known, they are asked for again."""
        expected = {"issuer": self.client.issuer, "client_id": self.client.id, "nonce": nonce}
        if self._keys is not None and self._keys[0] + KEPT_SECONDS > self._monotonic():
            try:
                return read_id_token(token, self._keys[1], **expected)
            except KeysUnknown:
                pass
        keys = await self._ask("GET", metadata.jwks_uri, dict[str, Any])
        claims = read_id_token(token, keys, **expected)
        self._keys = (self._monotonic(), keys)  # those that have read something: others would keep everybody out
        return claims

    def _check_transport(self, found: Metadata) -> None:
        """A provider that is asked over https does not send anybody elsewhere in clear."""
        used = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint)
        for each in filter(None, used):
            if not each.startswith(("https://", "http://")):
                raise ProviderFailed(f"the provider names an endpoint that is no web address: {each[:200]!r}")
            if self.client.issuer.startswith("https://") and not each.startswith("https://"):
                raise ProviderFailed(f"the provider names an endpoint without TLS: {each[:200]!r}")

    async def _ask(self, method: str, address: str, kind: type[T], **options: Any) -> T:
        try:
            url = checked_url(address, self._egress)
            async with (
                aiohttp.ClientSession(connector=connector(url, self._egress), timeout=TIMEOUT) as session,
                session.request(method, url, allow_redirects=False, **options) as answer,
            ):
                body = await _whole(answer.content)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ProviderFailed(f"{address} cannot be asked: {refusal(error) or type(error).__name__}") from error
        if answer.status != 200:
            raise ProviderFailed(f"{address} answered {answer.status} {_error(body)}")
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProviderFailed(f"{address} answered something unreadable: {error}") from None


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """All that there is to read, and not only what is here already."""
    body = b""
    while piece := await content.readany():
        body += piece
        if len(body) > LONGEST_ANSWER:
            raise ValueError("the answer is too long")
    return body


def _joined(claims: Claims, more: Claims) -> Claims:
    """What the token says goes first. Whether an email is verified is said only by what names the email."""
    naming = [each for each in (claims, more) if "email" in each]
    email = naming[0]["email"] if naming else None
    of_it = (each["email_verified"] for each in naming if each["email"] == email and "email_verified" in each)
    return {**more, **claims, "email": email, "email_verified": next(of_it, None)}


class _Problem(msgspec.Struct):
    error: str = ""


def _error(body: bytes) -> str:
    """The word that OAuth has for what is wrong; the rest of such a body may tell what it should not."""
    try:
        return msgspec.json.decode(body, type=_Problem).error[:100]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _escaped(text: str) -> str:
    """How an id or a secret stands in the header (RFC 6749, 2.3.1)."""
    return quote_plus(text)

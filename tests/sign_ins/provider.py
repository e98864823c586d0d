"""A real OpenID provider on a port of this machine, made with Authlib: it checks secrets, redirects and PKCE itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeGrant, ClientMixin
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin, OpenIDCode
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

CLIENT_ID, CLIENT_SECRET = "tropism", "PLANTED-client-secret/with+signs"


class Registered(ClientMixin):  # type: ignore[misc]
    """The one client: one redirect, a secret in the header, code flow."""

    redirect_uris: tuple[str, ...] = ()

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str | None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code that was given out, with what it is bound to."""

    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class Provider:
    """What the provider says, for tests to set. `tamper` changes the claims of an ID token before it is signed."""

    url: str = ""
    user: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    tamper: Callable[[dict[str, Any]], object] = lambda claims: None
    key: RSAKey = field(default_factory=lambda: new_key("first"))
    published: list[RSAKey] = field(default_factory=list)
    client: Registered = field(default_factory=Registered)
    codes: dict[str, Code] = field(default_factory=dict)
    jwks: Any = None
    """What it says of its keys, if not the truth."""
    denies: bool = False
    pieces: int = 0
    """Of so many bytes its answers come one after another, if not 0."""


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}, private=True)


def app(provider: Provider) -> Flask:
    """The provider as a web application."""
    flask = Flask(__name__)
    server = AuthorizationServer(flask, query_client=lambda id: provider.client if id == CLIENT_ID else None)
    server.save_token = lambda token, request: None
    server.register_grant(_code_grant(provider), [_id_tokens(provider), CodeChallenge(required=True)])

    @flask.get("/.well-known/openid-configuration")
    def configuration() -> Any:
        places = {name: f"{provider.url}/{path}" for name, path in PLACES.items()}
        return jsonify({"issuer": provider.url, **places, **provider.metadata})

    @flask.get("/jwks")
    def jwks() -> Any:
        if provider.jwks is not None:
            return jsonify(provider.jwks)
        return jsonify(KeySet([*(provider.published or [provider.key])]).as_dict(private=False))

    @flask.get("/authorize")
    def authorize() -> Any:
        """Whoever asks is signed in already, and agrees, unless the test says otherwise."""
        grant = server.get_consent_grant(end_user=provider.user)
        return server.create_authorization_response(grant=grant, grant_user=None if provider.denies else provider.user)

    @flask.after_request
    def cut(response: Response) -> Response:
        if provider.pieces and response.is_json:
            whole, step = response.get_data(), provider.pieces
            response.response = slowly(whole[at : at + step] for at in range(0, len(whole), step))
            response.headers.pop("content-length")
        return response

    @flask.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @flask.get("/userinfo")
    def userinfo() -> Any:
        assert request.headers["Authorization"].startswith("Bearer ")
        return jsonify({"sub": provider.user["sub"], **provider.userinfo})

    return flask


def slowly(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        time.sleep(0.001)


PLACES = {
    "authorization_endpoint": "authorize",
    "token_endpoint": "token",
    "jwks_uri": "jwks",
    "userinfo_endpoint": "userinfo",
}


def _code_grant(provider: Provider) -> type[Any]:
    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            provider.codes[code] = Code(
                request.payload.redirect_uri,
                request.payload.scope,
                data.get("nonce"),
                data.get("code_challenge"),
                data.get("code_challenge_method"),
            )

        def query_authorization_code(self, code: str, client: Any) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            provider.codes = {name: code for name, code in provider.codes.items() if code is not authorization_code}

        def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
            return provider.user

    return Grant


def _id_tokens(provider: Provider) -> Any:
    class IdTokens(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return any(code.nonce == nonce for code in provider.codes.values())

        def encode_id_token(self, token: Any, request: Any) -> str:
            now = int(time.time())
            claims = {"iss": provider.url, "aud": [CLIENT_ID], "iat": now, "exp": now + 300}
            claims |= {"nonce": request.authorization_code.nonce, **provider.user}
            provider.tamper(claims)
            return jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, provider.key)

    return IdTokens(require_nonce=True)


@contextmanager
def run_provider() -> Iterator[Provider]:
    """A provider that serves from a thread until the end."""
    provider = Provider()
    server = make_server("127.0.0.1", 0, app(provider), threaded=True)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

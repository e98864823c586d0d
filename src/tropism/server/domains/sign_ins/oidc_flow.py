"""The way to the identity provider and back: what is asked, and what the browser keeps to show that it asked.

The provider's answer comes through the browser, so anybody could send one. It counts only together with a cookie that
was sealed when the question was asked: with its state, nonce and PKCE verifier, for ten minutes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from tropism.server.clock import Clock, milliseconds
from tropism.server.identity.oidc_provider import Metadata
from tropism.server.identity.secrets import Secrets, new_token

COOKIE = "tropism_oidc"
LASTS_SECONDS = 600
PLACE = "the way to the identity provider"

Reason = Literal["denied", "expired", "no_role", "no_email", "inactive", "taken", "failed", "too_often"]
"""Why somebody could not sign in, as the sign-in page is told."""


class Refused(Exception):
    """Nobody is signed in. `why` is for the sign-in page, the message for the log."""

    def __init__(self, why: Reason, message: str) -> None:
        super().__init__(message)
        self.why: Reason = why


class Question(msgspec.Struct, kw_only=True, frozen=True):
    """What is remembered between the way there and the way back."""

    state: str
    nonce: str
    verifier: str
    next: str
    expires_ms: int
    user_id: UUID | None
    """Who was signed in at the time: the account to which the provider's is to be linked."""


def ask(clock: Clock, next: str, user_id: UUID | None) -> Question:
    """A new question, which nobody can guess."""
    expires_ms = milliseconds(clock.now()) + LASTS_SECONDS * 1000
    return Question(
        state=new_token(),
        nonce=new_token(),
        verifier=new_token(),
        next=inside(next),
        expires_ms=expires_ms,
        user_id=user_id,
    )


def address(question: Question, metadata: Metadata, client_id: str, redirect_uri: str, scopes: str) -> str:
    """Where the browser goes to ask it."""
    challenge = hashlib.sha256(question.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scopes,
        "state": question.state,
        "nonce": question.nonce,
        "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"


def seal(question: Question, secrets: Secrets) -> str:
    """The question as a cookie that can be neither read nor made."""
    sealed = secrets.encrypt(msgspec.json.encode(question).decode(), PLACE)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(cookie: str | None, state: str | None, secrets: Secrets, clock: Clock) -> Question:
    """The question that this browser has asked, if the answer is to it."""
    if cookie is None:
        raise Refused("expired", "this browser has asked no identity provider")
    try:
        sealed = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
        question = msgspec.json.decode(secrets.decrypt(sealed, PLACE), type=Question)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise Refused("expired", "the cookie is none that we sealed") from error
    if not hmac.compare_digest(question.state.encode(), (state or "").encode()):
        raise Refused("expired", "the answer is not to what this browser has asked (state)")
    if question.expires_ms <= milliseconds(clock.now()):
        raise Refused("expired", "the answer comes too late")
    return question


_PATH = re.compile(r"/(?!/)[!-\[\]-~]{0,1000}")
"""As browsers write it: ASCII without spaces, and no backslash, which they read as a slash."""


def inside(next: str) -> str:
    """A path of ours to go on with; anything that may lead elsewhere is the start page."""
    return next if _PATH.fullmatch(next) else "/"

"""Reads an ID token: who signed it, for whom, when, and in answer to which question. The extra `oidc` does the sums."""

from __future__ import annotations

import hmac
from typing import Any

Claims = dict[str, Any]
SIGNED_BY_A_KEY_PAIR = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Neither `none`, nor what is signed with a secret: that could be a public key taken for one."""
LEEWAY_SECONDS = 60
LONGEST_SUBJECT = 255


class BadIdToken(Exception):
    """The token does not say what it should; the message is for the operator's log."""


class KeysUnknown(BadIdToken):
    """It is signed by none of these keys."""


def require_package() -> None:
    """Raise `ValueError` if signing in by OIDC is not installed."""
    try:
        import joserfc  # noqa: F401
    except ImportError:
        raise ValueError("TROPISM_OIDC_ISSUER needs the extra oidc: pip install 'tropism[oidc]'") from None


def read_id_token(token: str, keys: Claims, *, issuer: str, client_id: str, nonce: str) -> Claims:
    """The claims of a token that one of these keys has signed, for us, in answer to this nonce."""
    from joserfc import jwt
    from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
    from joserfc.jwk import KeySet

    registry = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True},
    )
    try:
        read = jwt.decode(token, KeySet.import_key_set(_for_signatures(keys)), algorithms=list(SIGNED_BY_A_KEY_PAIR))
        registry.validate(read.claims)
    except (InvalidKeyIdError, BadSignatureError) as error:
        raise KeysUnknown(f"the ID token is signed by no key that the provider names: {error}") from error
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadIdToken(f"the ID token cannot be trusted: {error}") from error
    _check(read.claims, client_id, nonce)
    return read.claims


def _check(claims: Claims, client_id: str, nonce: str) -> None:
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise BadIdToken("the ID token answers another question (nonce)")
    party = claims.get("azp", client_id if claims["aud"] in (client_id, [client_id]) else None)
    if party != client_id:
        raise BadIdToken("the ID token was made for another client (azp)")
    subject = claims["sub"]
    if not (isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable()):
        raise BadIdToken("the ID token names nobody (sub)")


def _for_signatures(keys: Claims) -> Any:
    """A provider may name keys for other things, too, and of kinds that we do not know."""
    known = [key for key in keys["keys"] if key.get("use", "sig") == "sig" and key.get("kty") in ("RSA", "EC", "OKP")]
    return {"keys": known}

"""Keys and secrets: api keys are stored as keyed hashes, provider keys encrypted for the row that holds them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"


class Secrets:
    """Two keys derived from one master key: one hashes, one encrypts."""

    def __init__(self, master: str) -> None:
        self._pepper = _derive(master, b"tropism api keys")
        self._cipher = AESGCM(_derive(master, b"tropism secrets at rest"))

    def digest(self, api_key: str) -> bytes:
        """What is stored of an api key. The keys are long and random, so a fast keyed hash is enough."""
        return hmac.digest(self._pepper, api_key.encode(), "sha256")

    def encrypt(self, text: str, place: str) -> bytes:
        """Encrypt for one `place` (table, row, column): elsewhere it does not decrypt."""
        nonce = os.urandom(12)
        return VERSION + nonce + self._cipher.encrypt(nonce, text.encode(), place.encode())

    def decrypt(self, sealed: bytes, place: str) -> str:
        """The text, or ValueError if the master key or the place is another one."""
        try:
            return self._cipher.decrypt(sealed[1:13], sealed[13:], place.encode()).decode()
        except InvalidTag:
            raise ValueError(
                f"{place} was encrypted with another secret key; set TROPISM_SECRET_KEY to that key"
            ) from None


def new_api_key() -> str:
    return "tk_" + secrets.token_urlsafe(32)


def master_key(given: str | None, file: Path) -> str:
    """The given master key, or the one in `file`, made at the first start and readable by its owner alone."""
    if given:
        return given
    if not file.exists():
        write_private(file, base64.urlsafe_b64encode(os.urandom(32)).decode())
    return file.read_text().strip()


def write_private(file: Path, text: str) -> None:
    """Write a file of mode 600, whole or not at all."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(file)


def _derive(master: str, purpose: bytes) -> bytes:
    return hashlib.blake2b(purpose, key=hashlib.sha512(master.encode()).digest(), digest_size=32).digest()

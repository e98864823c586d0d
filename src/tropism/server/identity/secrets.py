"""Keys and secrets: api keys are stored as keyed hashes, provider keys encrypted for the row that holds them.

There may be several master keys, newest first. The newest hashes and encrypts; the others still recognise what was made
with them, until nothing of that is left (rotation.py).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FIRST, NAMED = b"\x01", b"\x02"
"""How something is sealed: without a word about the key, as the first releases did, or with the key's fingerprint."""
FINGERPRINT_BYTES = 4
NONCE_BYTES = 12
SEPARATOR = ","


class _Key:
    """What is derived from one master key: one key hashes, one encrypts, and a fingerprint tells it from others."""

    def __init__(self, master: str) -> None:
        self.pepper = _derive(master, b"tropism api keys")
        self.cipher = AESGCM(_derive(master, b"tropism secrets at rest"))
        self.token = _derive(master, b"tropism workers").hex()
        self.fingerprint = _derive(master, b"tropism fingerprint")[:FINGERPRINT_BYTES]

    def digest(self, api_key: str) -> bytes:
        return hmac.digest(self.pepper, api_key.encode(), "sha256")


class Secrets:
    """The master keys at work. `masters` is one, or several, newest first and separated by commas."""

    def __init__(self, masters: str) -> None:
        self._newest, *self._older = (_Key(master) for master in split(masters))

    def __repr__(self) -> str:
        return f"Secrets({', '.join(each.hex() for each in self.fingerprints)})"

    @property
    def fingerprint(self) -> bytes:
        """That of the newest key."""
        return self._newest.fingerprint

    @property
    def fingerprints(self) -> list[bytes]:
        """Those of all keys, newest first. They tell keys apart and nothing about them."""
        return [key.fingerprint for key in (self._newest, *self._older)]

    @property
    def worker_token(self) -> str:
        """What engines show to workers that they ask for answers."""
        return self._newest.token

    def is_worker_token(self, shown: str) -> bool:
        """Whether whoever shows this has one of our master keys. How long it takes does not tell how much is right."""
        right = [hmac.compare_digest(shown.encode(), key.token.encode()) for key in (self._newest, *self._older)]
        return any(right)

    def digest(self, api_key: str) -> bytes:
        """What is stored of an api key. The keys are long and random, so a fast keyed hash is enough."""
        return self._newest.digest(api_key)

    def older_digests(self, api_key: str) -> list[bytes]:
        """What may be stored of an api key that was made before the newest master key."""
        return [key.digest(api_key) for key in self._older]

    def encrypt(self, text: str, place: str) -> bytes:
        """Encrypt for one `place` (table, row, column): elsewhere it does not decrypt."""
        nonce = os.urandom(NONCE_BYTES)
        return NAMED + self.fingerprint + nonce + self._newest.cipher.encrypt(nonce, text.encode(), place.encode())

    def decrypt(self, sealed: bytes, place: str) -> str:
        """The text, or ValueError if no master key fits, or the place is another one."""
        keys, body = self._that_may_fit(sealed)
        for key in keys:
            try:
                return key.cipher.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], place.encode()).decode()
            except InvalidTag:
                continue
        raise ValueError(f"{place} was encrypted with a secret key that is not here; {_where(sealed)}")

    def _that_may_fit(self, sealed: bytes) -> tuple[Sequence[_Key], bytes]:
        every = (self._newest, *self._older)
        if sealed[:1] == FIRST:
            return every, sealed[1:]
        named = fingerprint_of(sealed)
        return [key for key in every if key.fingerprint == named], sealed[1 + FINGERPRINT_BYTES :]


def fingerprint_of(sealed: bytes) -> bytes | None:
    """Which key something is sealed with; None where it does not say."""
    return sealed[1 : 1 + FINGERPRINT_BYTES] if sealed[:1] == NAMED else None


def _where(sealed: bytes) -> str:
    named = fingerprint_of(sealed)
    return "put it into TROPISM_SECRET_KEY or secret.key" + (f" (fingerprint {named.hex()})" if named else "")


def new_api_key() -> str:
    return "tk_" + secrets.token_urlsafe(32)


def new_token() -> str:
    """What a browser holds of a sign-in, or a link of a password: as hard to guess as an api key."""
    return secrets.token_urlsafe(32)


def new_master_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def master_key(given: str | None, file: Path) -> str:
    """The given master keys, or those in `file`, made at the first start and readable by its owner alone."""
    if given:
        return given
    return first_written(file, new_master_key())


def split(masters: str) -> list[str]:
    """Several master keys, newest first: separated by commas, or each on a line of its own."""
    found = [key.strip() for key in masters.replace("\n", SEPARATOR).split(SEPARATOR)]
    if not any(found):
        raise ValueError("there is no secret key; set TROPISM_SECRET_KEY, or remove the empty secret.key")
    return [key for key in found if key]


def first_written(file: Path, text: str) -> str:
    """What the file holds; `text` if nobody has written it yet. Of several who come at once, one is first."""
    if not file.exists():
        draft = _draft(file, text)
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_text().strip()


def write_private(file: Path, text: str) -> None:
    """Write a file of mode 600, whole or not at all."""
    _draft(file, text).rename(file)


def _draft(file: Path, text: str) -> Path:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    return draft


def _derive(master: str, purpose: bytes) -> bytes:
    return hashlib.blake2b(purpose, key=hashlib.sha512(master.encode()).digest(), digest_size=32).digest()

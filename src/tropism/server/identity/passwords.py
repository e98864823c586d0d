"""Passwords: what is asked of them, and their argon2id hashes, made and checked outside of the event loop."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tropism.server.errors import InvalidRequest
from tropism.wire.sign_ins import SHORTEST_PASSWORD

AT_ONCE = 2
"""Each hash takes 64 MiB and tens of milliseconds: who tries many passwords waits, and the engine goes on."""


class Passwords:
    """Hashes passwords with the parameters of RFC 9106 for servers (argon2-cffi's own choice)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")

    async def hash(self, password: str) -> str:
        """The hash to keep."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, _normal(password))

    async def is_right(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; without a hash it is none, and that takes as long to find out."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, kept, _normal(password))

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        self._threads.shutdown()

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe())

    async def prepare(self) -> None:
        """Hash once before anybody asks: the first stranger's answer would take longer than others'."""
        await asyncio.get_running_loop().run_in_executor(self._threads, lambda: self._nobodys)

    def _verify(self, kept: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(kept or self._nobodys, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def checked(password: str, email: str, param: str = "password") -> str:
    """The password, if it is one that can be chosen."""
    normal = _normal(password)
    if len(normal) < SHORTEST_PASSWORD:
        raise InvalidRequest(
            f"a password has at least {SHORTEST_PASSWORD} characters; a few words are easy to remember",
            param=param,
        )
    if normal.casefold() in (email.casefold(), email.partition("@")[0].casefold()) or len(set(normal)) < 4:
        raise InvalidRequest("this password is too easy to guess; choose another", param=param)
    return password


def _normal(password: str) -> str:
    """One password is the same on every keyboard, however it composes its letters."""
    return unicodedata.normalize("NFKC", password)

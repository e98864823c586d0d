"""The Hugging Face hub through its own client: what a repository holds, and its files.

The client's ways to download to a folder begin anew after a kill; `http_get`, on which they stand, goes on where a file
ends. A file has its name when it has arrived whole and its digest is the one that the hub says.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get

from tropism.egress.process import refusal
from tropism.weights.families import Unusable
from tropism.weights.messages import PART, Found, HubFile, Trouble
from tropism.weights.selection import select

READ_AT_ONCE = 16 * 1024 * 1024
LATER = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a hub that may be another one in a minute."""
OnRead = Callable[[int], None]


class Damaged(Exception):
    """What arrived is not what the hub says it has."""


class Hub:
    """One hub, asked with one token or none."""

    def __init__(self, endpoint: str, token: str | None) -> None:
        self._endpoint, self._token = endpoint.rstrip("/"), token
        self._api = HfApi(endpoint=self._endpoint, token=token or False)
        # Compressed on the way, a part of a file would be a part of something else.
        self._headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}

    def find(self, hf_model_id: str, revision: str | None, file: str | None) -> Found:
        """What is there to take. Raises `Unusable`, and what the client raises."""
        info = self._api.model_info(hf_model_id, revision=revision, files_metadata=True, timeout=30)
        files = {each.rfilename: _file(each) for each in info.siblings or []}
        chosen = select(files, file)
        card: Any = info.card_data or {}
        base = card.get("base_model")
        return Found(
            hf_model_id=hf_model_id,
            revision=str(info.sha),
            kind=chosen.kind,
            small=[files[name] for name in chosen.small],
            weights=[files[name] for name in chosen.weights],
            licence=_word(card.get("license")),
            base_model=_word(base[0] if isinstance(base, list) and base else base),
        )

    def download(self, found: Found, file: HubFile, folder: Path, on_read: OnRead) -> None:
        """Have one file whole and checked in the folder; `on_read` hears how many bytes were checked."""
        if (folder / file.name).exists():
            return
        try:
            self._download(found, file, folder, on_read)
        except Damaged:  # once: a proxy or a disk may have been at fault
            self._download(found, file, folder, on_read)

    def _download(self, found: Found, file: HubFile, folder: Path, on_read: OnRead) -> None:
        partial = folder / f"{file.name}{PART}"
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        with partial.open("r+b") as written:
            there = written.seek(0, os.SEEK_END)
            if there < file.size:
                url = hf_hub_url(found.hf_model_id, file.name, revision=found.revision, endpoint=self._endpoint)
                http_get(url, written, resume_size=there, headers=self._headers, expected_size=file.size)
            os.fsync(written.fileno())
        if not _is_whole(partial, file, on_read):
            partial.unlink()
            raise Damaged(f"{file.name} is not what the hub says it has: its digest is another one, twice in a row")
        partial.replace(folder / file.name)

    def trouble(self, error: Exception, hf_model_id: str, revision: str | None) -> Trouble:
        """What an error means to whoever asked for this model. The token is not in it."""
        message, passing = self._meaning(error, hf_model_id, revision)
        return Trouble(message=message.replace(self._token, "(token)") if self._token else message, passing=passing)

    def _meaning(self, error: Exception, name: str, revision: str | None) -> tuple[str, bool]:
        hub = self._endpoint
        if isinstance(error, Unusable | Damaged):
            return str(error), False
        if (refused := refusal(error)) is not None:
            return f"the hub is not asked: {refused}", False
        if isinstance(error, GatedRepoError):
            if self._token is None:
                return f"{name!r} is gated: accept its terms on {hub}/{name}, and give a token as `hf_token`", False
            return (
                f"{name!r} is gated, and this token may not read it: accept its terms on {hub}/{name} with the account "
                "of the token, and allow the token to read gated repositories"
            ), False
        if isinstance(error, RepositoryNotFoundError):
            why = "this token may not see it" if self._token else "it is private and needs `hf_token`"
            return f"there is no model {name!r} on {hub}, or {why}", False
        if isinstance(error, RevisionNotFoundError):
            return f"{name!r} has no revision {revision!r}; take a branch, a tag or a commit that it has", False
        if isinstance(error, HFValidationError):
            return f"{name!r} is no id of a model, such as 'org/name'", False
        return self._disturbance(error)

    def _disturbance(self, error: Exception) -> tuple[str, bool]:
        if isinstance(error, HfHubHTTPError):
            status = error.response.status_code
            if status in (401, 403):
                return f"{self._endpoint} refuses {'the token' if self._token else 'to be read without a token'}", False
            return f"{self._endpoint} answered with status {status}", status in LATER
        if isinstance(error, httpx2.TransportError):
            return f"the connection to {self._endpoint} failed: {error or type(error).__name__}", True
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return "the disk is full", False
        if isinstance(error, OSError) and "Consistency check" in str(error):
            return "the connection ended before a file was whole", True
        return f"{type(error).__name__}: {error}", False


def _file(sibling: Any) -> HubFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs else None
    return HubFile(name=sibling.rfilename, size=sibling.size or 0, sha256=sha256, git=sibling.blob_id)


def _word(value: Any) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _is_whole(path: Path, file: HubFile, on_read: OnRead) -> bool:
    """Whether its digest is the right one; of a file that git itself keeps, git's digest covers the size, too."""
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with path.open("rb") as opened:
        while block := opened.read(READ_AT_ONCE):
            digest.update(block)
            on_read(len(block))
    return digest.hexdigest() == (file.sha256 or file.git)

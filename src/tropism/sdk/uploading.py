"""Upload a file part by part. Where a connection broke, or a program ended, the same file goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tropism.sdk.errors import TropismError
from tropism.sdk.flow import Answer, Flow, Lost, Sleep, Work
from tropism.sdk.request import prepare
from tropism.sdk.saving import on_disk
from tropism.sdk.send import REPEATABLE, accepted, backoff, read, send
from tropism.wire import datasets as wire

OnProgress: TypeAlias = Callable[[Literal["sending", "checking"], int, int], object]
"""Is told what happens, how many bytes that has reached, and of how many."""
ATTEMPTS = 6
"""So often a part is sent that does not arrive."""
OUT_OF_STEP = 409
"""A part that does not begin where the upload ends: an earlier attempt arrived after all, or half of it did."""


def upload_file(
    file_path: PathLike[str] | str, key: str, name: str | None, use_case: str, on_progress: OnProgress
) -> Flow[wire.Dataset]:
    """Send what the server does not have yet, then wait until it has checked every line."""
    path = Path(file_path)
    size, sha256 = yield Work(partial(on_disk, path, _measured, path))
    takes = wire.UploadCreate(use_case=use_case, key=key, size=size, sha256=sha256, name=name)
    upload = yield from send(wire.BEGIN_UPLOAD, takes, reads_only=True)
    yield from _send_parts(path, upload, on_progress)
    return (yield from _wait(upload, on_progress))


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


def _send_parts(path: Path, upload: wire.Upload, on_progress: OnProgress) -> Flow[None]:
    failed = 0
    while upload.offset < upload.size:
        on_progress("sending", upload.offset, upload.size)
        part = yield Work(partial(on_disk, path, _part, path, upload))
        takes = wire.UploadPart(upload=upload.id, offset=upload.offset)
        reply: Answer | Lost = yield prepare(wire.UPLOAD_PART, takes, body=part)
        failed += 1
        if failed > ATTEMPTS:
            raise TropismError(f"The server takes nothing of {path} behind byte {upload.offset}; try again later.")
        if not _may_go_on(reply) or failed == ATTEMPTS:
            known = read(accepted(reply), wire.UPLOAD_PART)
        else:
            yield Sleep(backoff(failed - 1))
            known = yield from send(wire.GET_UPLOAD, wire.UploadReference(upload=upload.id))
        upload, failed = known, 0 if known.offset > upload.offset else failed


def _part(path: Path, upload: wire.Upload) -> bytes:
    with path.open("rb") as file:
        file.seek(upload.offset)
        part = file.read(min(upload.part_bytes, upload.size - upload.offset))
    if not part:
        raise TropismError(f"{path} became shorter while it was uploaded; upload it again.")
    return part


def _may_go_on(reply: Answer | Lost) -> bool:
    """Whether to ask how much has arrived, and send the rest."""
    return isinstance(reply, Lost) or reply.status in (*REPEATABLE, OUT_OF_STEP)


def _wait(upload: wire.Upload, on_progress: OnProgress) -> Flow[wire.Dataset]:
    takes = wire.UploadReference(upload=upload.id)
    while True:
        progress = yield from send(wire.COMPLETE_UPLOAD, takes, reads_only=True)
        on_progress("checking", progress.processed, upload.size)
        if progress.dataset is not None:
            return progress.dataset


def say_nothing(*progress: Any) -> None:
    """Progress for nobody."""

"""Checkpoints that are complete or not there: transformers writes file by file, and a crash leaves half of one."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

COMPLETE = "COMPLETE"
_NAME = re.compile(r"checkpoint-(\d+)")


def mark_complete(checkpoint: Path) -> None:
    """Bring every file to the disk, then say so, and which they are."""
    files = [path for path in sorted(checkpoint.rglob("*")) if path.is_file()]
    for path in files:
        _sync(path)
    (checkpoint / COMPLETE).write_text("".join(f"{path.relative_to(checkpoint)}\n" for path in files))
    _sync(checkpoint)


def has_all(checkpoint: Path) -> bool:
    """Whether every file is there: a copy of one that was being removed lacks some."""
    try:
        return all((checkpoint / name).exists() for name in (checkpoint / COMPLETE).read_text().splitlines())
    except FileNotFoundError:
        return False


def last_complete(folder: Path) -> Path | None:
    """The checkpoint to go on from; half-written ones are removed."""
    complete: dict[int, Path] = {}
    for path in folder.glob("checkpoint-*") if folder.is_dir() else ():
        if not (path / COMPLETE).exists():
            # Processes that train together may do so at once.
            shutil.rmtree(path, ignore_errors=True)
        elif name := _NAME.fullmatch(path.name):
            complete[int(name[1])] = path
    return complete[max(complete)] if complete else None


def step_of(checkpoint: Path | None) -> int:
    """After how many updates it was written; 0 for none."""
    return int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

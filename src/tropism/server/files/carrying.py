"""Carries files between a data directory and the storage, in a process of its own: hashing takes a core for itself."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from msgspec import Struct

from tropism.server.files.storage import Storage, move, storage_at
from tropism.server.processes.low_priority import answer, asked
from tropism.weights.size import size_so_far

FETCHING = "fetching"
"""The folder, in the data directory, of files that have not arrived as a whole."""
AT_ONCE = 16 * 1024**2
RESERVE = 256 * 1024**2
"""What has to be left of the disk."""


class StoredFile(Struct, kw_only=True, frozen=True):
    """One file. Its name is its path within each data directory."""

    name: str
    size: int
    sha256: str

    @property
    def place(self) -> str:
        """Its name in the storage, which no other content ever has: an older worker that is slow overwrites nothing."""
        return f"{self.name}.{self.sha256[:16]}"

    def is_under(self, paths: Iterable[str]) -> bool:
        """Whether it is one of these files, or in one of these folders."""
        return any(self.name == path or self.name.startswith(f"{path}/") for path in paths)

    def is_in(self, data: Path) -> bool:
        """Whether a data directory has it. Only what was checked as a whole ever has the name."""
        try:
            return (data / self.name).stat().st_size == self.size
        except (FileNotFoundError, NotADirectoryError):
            return False


class Here(Struct, kw_only=True, frozen=True):
    """A file on this machine, and the name that it shall have in every data directory."""

    name: str
    path: str


class Errand(Struct, kw_only=True, frozen=True):
    """What to do: put files of this machine into the storage, or fetch files from there."""

    task: Literal["put", "fetch"]
    storage: str
    data: str
    here: Sequence[Here] = ()
    files: Sequence[StoredFile] = ()


class Carried(Struct, kw_only=True, frozen=True, tag="carried"):
    """So many bytes more are done."""

    size: int


class Failed(Struct, kw_only=True, frozen=True, tag="failed"):
    """Why it could not be done."""

    message: str


class Wrong(Exception):
    """What came is not what was put there; the message says so."""


def main() -> None:
    """Do the errand, and say on the last line if it failed."""
    errand = asked(Errand)
    try:
        _DO[errand.task](errand)
    except Exception as error:  # of whatever kind the storage's package raises
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        answer(Failed(message=reason or type(error).__name__))


def _put(errand: Errand) -> None:
    storage, paths = storage_at(errand.storage), {each.name: Path(each.path) for each in errand.here}
    for each in errand.files:
        storage.put(paths[each.name], each.place, _differences())


def _differences() -> Callable[[int], None]:
    """Say what was added since the last call."""
    before = 0

    def tell(done: int) -> None:
        nonlocal before
        answer(Carried(size=done - before))
        before = done

    return tell


def _fetch(errand: Errand) -> None:
    storage, data = storage_at(errand.storage), Path(errand.data)
    for each in errand.files:
        with _alone(data, each) as partial:
            if not each.is_in(data):
                _fetch_one(storage, each, partial)
                move(partial, data / each.name)


@contextmanager
def _alone(data: Path, file: StoredFile) -> Iterator[Path]:
    """Where the file may grow, for one process of this machine at a time; the lock goes with the process."""
    folder = data / FETCHING
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(file.place.encode()).hexdigest()[:32]
    with (folder / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / f"{key}.part"


def _fetch_one(storage: Storage, file: StoredFile, partial: Path) -> None:
    """Have the whole file, checked; what an earlier process left of it is gone on with."""
    arrived = size_so_far(partial)
    if file.size - arrived + RESERVE > shutil.disk_usage(partial.parent).free:
        partial.unlink(missing_ok=True)
        raise Wrong(f"{file.name!r} has {file.size:,} bytes, and the disk of the data directory has no room for them")
    try:
        with partial.open("ab+") as target:
            digest = _grown(storage, file, target)
    except FileNotFoundError:
        raise Wrong(f"the storage has no {file.place!r}") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:  # others shall have what there is
            partial.unlink(missing_ok=True)
        raise
    if (partial.stat().st_size, digest) != (file.size, file.sha256):
        partial.unlink()
        raise Wrong(f"{file.place!r} in the storage is not what was put there: its size or its checksum differs")


def _grown(storage: Storage, file: StoredFile, target: IO[bytes]) -> str:
    """The checksum of what the target has when everything was added that is missing."""
    digest = hashlib.sha256()
    target.seek(0)
    arrived = _read_on(target, digest)
    with storage.open(file.place) as source:
        source.seek(arrived)
        while piece := source.read(AT_ONCE):
            target.write(piece)
            digest.update(piece)
            answer(Carried(size=len(piece)))
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()


def _read_on(file: IO[bytes], digest: hashlib._Hash) -> int:
    size = 0
    while piece := file.read(AT_ONCE):
        digest.update(piece)
        size += len(piece)
        answer(Carried(size=len(piece)))
    return size


_DO = {"put": _put, "fetch": _fetch}

if __name__ == "__main__":
    main()

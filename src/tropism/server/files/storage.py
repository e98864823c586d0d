"""Where big files are kept: a directory, or any place that fsspec reaches by a URL."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from tropism.server.settings import Settings

PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
"""The package behind a kind of URL, for those that people ask for."""


class Storage:
    """Files by their name. A file is there as a whole or not at all."""

    def __init__(self, files: Any, root: str) -> None:
        self._files, self._root = files, root.rstrip("/")
        self._protocols = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
        self._is_local = "file" in self._protocols

    def publish(self, finished: Path, name: str) -> None:
        """Move a local file, already on disk, to its place."""
        if self._is_local:
            move(finished, Path(self._place(name)))
        else:
            # An object store has no folders, and would make a bucket of a name that somebody mistyped.
            if not self._protocols & PACKAGES.keys():
                self._files.makedirs(self._root, exist_ok=True)
            self._files.put_file(str(finished), self._place(name))
            finished.unlink()

    def put(self, file: Path, name: str, told: Callable[[int], None]) -> None:
        """Copy a local file to its place, and see that all of it is there. `told` hears how many bytes are by now."""
        if self._is_local:
            _copy(file, Path(self._place(name)))
        else:
            self._files.put_file(str(file), self._place(name), callback=_callback(told))
        self._files.invalidate_cache()
        if (size := self._files.size(self._place(name))) != file.stat().st_size:
            raise OSError(f"{size} bytes of {file.stat().st_size} are there")

    def open(self, name: str) -> BinaryIO:
        """The file, to be read; `FileNotFoundError` if there is none."""
        file: BinaryIO = self._files.open(self._place(name), "rb")
        return file

    def has(self, name: str) -> bool:
        self._files.invalidate_cache()
        return bool(self._files.exists(self._place(name)))

    def remove(self, name: str) -> None:
        """Remove the file; that there is none is as well."""
        with suppress(FileNotFoundError):
            self._files.rm_file(self._place(name))
        if self._is_local and "/" in name:
            with suppress(OSError):  # others are in the folder
                Path(self._place(name)).parent.rmdir()

    def _place(self, name: str) -> str:
        return f"{self._root}/{name}"


def storage_of(settings: Settings) -> Storage:
    """The storage that the settings name; `ValueError` if it cannot be used."""
    return storage_at(settings.storage or str((settings.data / "datasets").absolute()))


@lru_cache
def storage_at(url: str) -> Storage:
    """The storage of this URL; `ValueError` if it cannot be used."""
    import fsspec  # only here: a server that touches no dataset need not load it

    try:
        return Storage(*fsspec.core.url_to_fs(url))
    except ImportError as error:
        package = PACKAGES.get(url.partition("://")[0])
        what = f"`pip install {package}`" if package else str(error)
        raise ValueError(f"the storage {url!r} needs a package that is not here: {what}") from None
    except ValueError as error:
        raise ValueError(f"the storage {url!r} is nothing that fsspec knows: {error}") from None


def _callback(told: Callable[[int], None]) -> Any:
    """What fsspec tells how far it is."""
    import fsspec

    return fsspec.callbacks.Callback(hooks={"told": lambda size, value, **_: told(value)})


def _copy(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{place.name}.part")
    _write(file, partial)
    move(partial, place)


def move(finished: Path, place: Path) -> None:
    """Give a file its name for good: it is whole, and survives a power cut."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if finished.stat().st_dev != place.parent.stat().st_dev:
        finished = _copied(finished, place.with_suffix(".part"))
    finished.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _copied(file: Path, to: Path) -> Path:
    """The file on the disk that it shall be renamed on."""
    _write(file, to)
    file.unlink()
    return to


def _write(file: Path, to: Path) -> None:
    with file.open("rb") as source, to.open("wb") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
        target.flush()
        os.fsync(target.fileno())

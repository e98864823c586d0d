"""Save an answer as a file: under another name until it is whole, so that a broken download leaves none behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tropism.sdk.errors import TropismError
from tropism.sdk.flow import Flow, Work
from tropism.sdk.send import save
from tropism.wire.endpoint import Endpoint


class Sink(Protocol):
    """What takes the JSON lines of an answer, in pieces that end anywhere, and makes a file of them."""

    lines: int

    def write(self, piece: bytes) -> object: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


class LinesFile:
    """The lines as they are."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.lines = 0

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self.lines += piece.count(b"\n")

    def finish(self) -> None:
        self._file.close()

    def close(self) -> None:
        self._file.close()


def save_as(
    destination: PathLike[str] | str,
    endpoint: Endpoint[Any, Any],
    takes: msgspec.Struct,
    make: Callable[[Path], Sink],
) -> Flow[int]:
    """Save the answer at `destination`, in place of what was there; return how many lines it has."""
    path = Path(destination)
    part = path.with_name(f"{path.name}.part")
    sink = yield Work(partial(on_disk, path, make, part))
    try:
        yield from save(endpoint, takes, partial(on_disk, path, sink.write))
        yield Work(partial(on_disk, path, sink.finish))
        yield Work(partial(on_disk, path, part.replace, path))
    finally:
        sink.close()
        part.unlink(missing_ok=True)
    lines: int = sink.lines
    return lines


def on_disk(path: Path, function: Callable[..., Any], *args: Any) -> Any:
    """Do something with a file; what the system says against it is an error of ours that names it."""
    try:
        return function(*args)
    except OSError as error:
        raise TropismError(f"{path}: {error.strerror or error}.") from error

"""Check an uploaded file line by line and write it in the shape that is kept: a process of its own, run as a module."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from tropism.server.domains.datasets.shapes import LONGEST_LINE, BadLine, normalised
from tropism.server.domains.datasets.tally import Counts, Tally
from tropism.server.processes.low_priority import answer, asked

NAMED = 20
"""So many bad lines are named; the others are counted."""
NEWS_EVERY = 8 * 1024 * 1024
BOM = b"\xef\xbb\xbf"
FOREIGN = {
    b"\x1f\x8b": "it is compressed with gzip; unpack it first (gunzip)",
    b"\x28\xb5\x2f\xfd": "it is compressed with zstandard; unpack it first (unzstd)",
    b"PK\x03\x04": "it is a zip archive; unpack it first",
    b"PAR1": "it is a Parquet file; write it as JSON lines first",
    b"\xff\xfe": "it is UTF-16; save it as UTF-8",
    b"\xfe\xff": "it is UTF-16; save it as UTF-8",
}


class CheckRequest(Struct, kw_only=True, frozen=True):
    """The file to check, the one to write, and the digest of what was meant to arrive."""

    source: str
    target: str
    sha256: str


class CheckNews(Struct, kw_only=True, frozen=True):
    """How many bytes are checked; at the end, the counts, why the file is refused, or why it could not be written."""

    processed: int
    counts: Counts | None = None
    refusal: str | None = None
    failure: str | None = None


class Refused(Exception):
    """The file is no dataset; the message says why, naming its first bad lines."""


def check(source: Path, target: Path, sha256: str, on_news: Callable[[int], None]) -> Counts:
    """Write `target` from `source`; `Refused` if any line is bad, and then nothing is left."""
    try:
        with source.open("rb", buffering=1024 * 1024) as file:
            _check_beginning(file)
            with Tally(target) as tally:
                return _check(file, tally, sha256, on_news)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _check(file: BinaryIO, tally: Tally, sha256: str, on_news: Callable[[int], None]) -> Counts:
    digest, bad, total = hashlib.sha256(), _BadLines(), 0
    for number, text in _lines(file, digest.update):
        try:
            if text is None:
                raise BadLine(f"it is longer than {LONGEST_LINE // 2**20} MiB")
            if text:
                tally.add(normalised(text))
                total += 1
        except BadLine as error:
            bad.add(number, str(error))
            total += 1
        if number % 1_000 == 0:
            on_news(file.tell())
    if digest.hexdigest() != sha256:
        raise Refused("other bytes arrived than were announced: the file changed meanwhile; upload it again")
    bad.refuse(total)
    if not tally.lines:
        raise Refused("the file holds no line")
    return tally.finish()


class _BadLines:
    """How many lines are bad, and what is wrong with the first ones."""

    def __init__(self) -> None:
        self._count, self._named = 0, list[str]()

    def add(self, number: int, reason: str) -> None:
        self._count += 1
        if len(self._named) < NAMED:
            self._named.append(f"line {number}: {reason}")

    def refuse(self, total: int) -> None:
        if not self._count:
            return
        what = f"{self._count} of {total} lines {'is' if self._count == 1 else 'are'} bad, so nothing is kept"
        first = f"; the first {NAMED}" if self._count > NAMED else ""
        raise Refused(f"{what}{first}:\n" + ";\n".join(self._named))


def _check_beginning(file: BinaryIO) -> None:
    start = file.read(4)
    for magic, reason in FOREIGN.items():
        if start.startswith(magic):
            raise Refused(f"this is no file of JSON lines: {reason}")
    if start.removeprefix(BOM)[:1] == b"[":
        raise Refused("this is one JSON array; write its objects on a line each, without brackets and commas")
    file.seek(0)


def _lines(file: BinaryIO, seen: Callable[[bytes], None]) -> Iterator[tuple[int, bytes | None]]:
    """Every line with its number, without what ends it; blank ones are empty, too long ones None."""
    number = 0
    while text := file.readline(LONGEST_LINE + 2):
        number += 1
        seen(text)
        if len(text) > LONGEST_LINE + 1:
            _skip_rest(text, file, seen)
            yield number, None
        else:
            yield number, (text.removeprefix(BOM) if number == 1 else text).strip(b" \t\r\n")


def _skip_rest(text: bytes, file: BinaryIO, seen: Callable[[bytes], None]) -> None:
    """Go to the end of a line, a piece in memory at a time."""
    while text and not text.endswith(b"\n"):
        text = file.readline(1024 * 1024)
        seen(text)


def main() -> None:
    """Do what we are asked on standard input; tell of it on standard output."""
    request, told = asked(CheckRequest), 0

    def tell(processed: int) -> None:
        nonlocal told
        if processed - told >= NEWS_EVERY:
            answer(CheckNews(processed=processed))
            told = processed

    source = Path(request.source)
    try:
        counts = check(source, Path(request.target), request.sha256, tell)
    except Refused as error:
        answer(CheckNews(processed=told, refusal=str(error)))
    except OSError as error:  # such as a full disk
        answer(CheckNews(processed=told, failure=error.strerror or str(error)))
    else:
        answer(CheckNews(processed=source.stat().st_size, counts=counts))


if __name__ == "__main__":
    main()

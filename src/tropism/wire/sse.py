"""Server-sent events without I/O: bytes in, data out. Used by the server, the engines and both faces of the SDK."""

from __future__ import annotations

from collections.abc import Iterator

DONE = b"[DONE]"


def event(data: bytes) -> bytes:
    """One event that carries `data`, which holds no line break."""
    return b"data: " + data + b"\n\n"


class EventTooLong(ValueError):
    """An event did not end within the allowed length."""


class EventDecoder:
    """Feed it bytes, and it yields the data of each event that became complete.

    Lines end with LF, CRLF or CR. Comments and other fields are passed over; several data lines are joined.
    """

    def __init__(self, limit: int = 16 * 2**20) -> None:
        self._limit = limit
        self._pending: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0
        self._at_start = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data of the events that end within this chunk."""
        self._size += len(chunk)
        if self._size > self._limit:
            raise EventTooLong(f"an event is longer than {self._limit} bytes")
        self._pending.append(chunk)
        # Joining only at a line's end keeps a long line that arrives in many parts from being copied again and again.
        if b"\n" in chunk or b"\r" in chunk:
            yield from self._lines(b"".join(self._pending), last=False)

    def end(self) -> Iterator[bytes]:
        """Yield the data of an event that was not closed by a blank line: not every server sends the last one."""
        yield from self._lines(b"".join(self._pending) + b"\n\n", last=True)

    def _lines(self, buffer: bytes, *, last: bool) -> Iterator[bytes]:
        # A CR at the very end may be the first half of a CRLF.
        held = b"\r" if buffer.endswith(b"\r") and not last else b""
        whole = buffer.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = whole.split(b"\n")
        self._pending = [rest + held]
        for line in lines:
            yield from self._line(line)

    def _line(self, line: bytes) -> Iterator[bytes]:
        if self._at_start:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._at_start = False
        if not line:
            yield from self._dispatch()
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif line == b"data":
            self._data.append(b"")

    def _dispatch(self) -> Iterator[bytes]:
        data, self._data = self._data, []
        self._size = sum(map(len, self._pending))
        if data:
            yield b"\n".join(data)

"""Server-sent events without I/O: bytes in, data out. Used by the server and by both faces of the SDK."""

from __future__ import annotations

from collections.abc import Iterator

DONE = b"[DONE]"


def event(data: bytes) -> bytes:
    """One event that carries `data`, which holds no line break."""
    return b"data: " + data + b"\n\n"


class EventDecoder:
    """Cuts a stream of bytes into the data of its events, however the network split it."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        pending = self._pending + chunk
        # A carriage return at the very end may be half of a line break: keep it for the next chunk.
        held = b"\r" if pending.endswith(b"\r") else b""
        pending = pending.removesuffix(b"\r").replace(b"\r\n", b"\n")
        *events, rest = pending.split(b"\n\n")
        self._pending = rest + held
        for block in events:
            lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
            if lines:
                yield b"\n".join(lines)

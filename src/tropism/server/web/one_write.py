"""An answer goes out in one write: uvicorn writes its head and its body apart, in two system calls."""

from __future__ import annotations

import asyncio


class OneWrite(asyncio.Transport):
    """What uvicorn writes one answer to: the head goes along with what follows at once, and alone when nothing does."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport, self._loop = transport, loop
        self._head: bytes | None = None
        self._has_begun = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._has_begun:
            self._has_begun, self._head = True, bytes(data)
            self._loop.call_soon(self._send_head)  # a stream's first piece may come much later
        elif (head := self._head) is not None:
            self._head = None
            self._transport.writelines((head, data))
        else:
            self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._send_head()
        self._transport.close()

    def _send_head(self) -> None:
        if (head := self._head) is not None:
            self._head = None
            if not self._transport.is_closing():
                self._transport.write(head)

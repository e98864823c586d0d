"""A connection to a server that can be cut and mended: what lies between a browser and an engine elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Cable:
    """Passes bytes on, both ways, until it is cut."""

    def __init__(self, target: str) -> None:
        self.url = ""
        self._host, _, self._port = target.removeprefix("http://").partition(":")
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._whole = True

    def cut(self) -> None:
        """Break every connection, and let no other come through."""
        self._call(self._cut())

    def mend(self) -> None:
        """Let connections through again."""
        self._whole = True

    async def _cut(self) -> None:
        self._whole = False
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            return writer.transport.abort()
        inner, outer = await asyncio.open_connection(self._host, int(self._port))
        self._open |= {writer, outer}
        await asyncio.gather(self._pass_on(reader, outer), self._pass_on(inner, writer))
        self._open -= {writer, outer}

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    def _call(self, made: object) -> object:
        return asyncio.run_coroutine_threadsafe(made, self._loop).result(10)  # type: ignore[arg-type]

    @contextmanager
    def laid(self) -> Iterator[Cable]:
        """It works in a thread of its own, until the end of the block."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        server = self._call(self._listen())
        try:
            yield self
        finally:
            self.cut()
            assert isinstance(server, asyncio.Server)
            self._loop.call_soon_threadsafe(server.close)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

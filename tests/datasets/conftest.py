"""Files of JSON lines, and a proxy that cuts connections."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tropism.testing import RunningServer

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write lines, each an object, to a file."""

    def write(*lines: dict[str, Any], name: str = "lines.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return write


class Cutter:
    """Passes bytes on to the server, and cuts a connection as soon as it has carried as many as `after` says."""

    def __init__(self, server: RunningServer) -> None:
        address = urlsplit(server.base_url)
        self._to = (address.hostname, address.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.after: list[int] = []
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._to)
            self._sockets += [client, server]
            threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, may_cut: bool) -> None:
        carried = 0
        try:
            while data := source.recv(65_536):
                target.sendall(data)
                carried += len(data)
                if may_cut and self.after and carried >= self.after[0]:
                    self.after.pop(0)
                    self.cuts += 1
                    break
        except OSError:
            pass
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()  # else what still arrives is taken and nobody reads it, and its sender waits for a minute


@pytest.fixture
def cutter(server: RunningServer) -> Iterator[Cutter]:
    """A way to the server that is cut now and then."""
    cutter = Cutter(server)
    yield cutter
    cutter.close()

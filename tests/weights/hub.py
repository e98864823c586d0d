"""A small Hugging Face hub on localhost: model info, files with digests and ranges, gates, broken connections."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".safetensors", ".gguf", ".bin")
COMMIT = "c0ffee" + "0" * 34
CHUNK = 256 * 1024


@dataclass
class Repository:
    """A folder as a repository, and how it behaves."""

    folder: Path
    token: str | None = None
    """Who has no such token does not see it, or, if it is `gated`, may not read it."""
    gated: bool = False
    card: dict[str, Any] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)
    """After so many bytes of a large file the connection breaks, once for each."""
    damaged: list[str] = field(default_factory=list)
    """Large files that are sent with a wrong byte, once for each."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Sizes that are a lie."""
    pause: float = 0.0
    """Seconds before each chunk of a large file."""
    status: list[int] = field(default_factory=list)
    """Large files are refused with these, one after the other."""

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@dataclass(frozen=True)
class Request:
    """What was asked for."""

    method: str
    path: str
    range: str | None
    authorization: str | None


@dataclass
class SmallHub:
    """The hub, and all that it was asked."""

    url: str
    cdn: str
    """Where large files are: another host, as they are on the real one."""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    sent: int = 0
    """Bytes of large files."""

    def asked(self, method: str, end: str) -> list[Request]:
        return [each for each in self.requests if each.method == method and each.path.endswith(end)]


@contextmanager
def run_hub() -> Iterator[SmallHub]:
    """Serve until the end of the block."""
    hub = SmallHub("", "")
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url, hub.cdn = (f"http://{host}:{server.server_port}" for host in ("127.0.0.1", "localhost"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: SmallHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path, given = unquote(url.path), self.headers.get("Authorization")
        self.hub.requests.append(Request(self.command, path, self.headers.get("Range"), given))
        try:
            if path.startswith("/cdn/"):
                self._send_file(*path.removeprefix("/cdn/").split("/resolve/", 1))
            elif path.startswith("/api/models/"):
                self._info(path.removeprefix("/api/models/"), parse_qs(url.query))
            else:
                self._resolve(*path.removeprefix("/").split("/resolve/", 1))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _info(self, rest: str, query: dict[str, list[str]]) -> None:
        name, _, revision = rest.partition("/revision/")
        repository = self._visible(name)
        if repository is None:
            return
        if revision not in ("", "main", COMMIT):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        siblings = [self._sibling(repository, file, "blobs" in query) for file in repository.files()]
        told = {"id": name, "modelId": name, "sha": COMMIT, "private": False, "gated": repository.gated and "auto"}
        more = {"tags": [], "downloads": 0, "likes": 0, "siblings": siblings, "cardData": repository.card}
        self._send(200, json.dumps(told | more).encode(), {"Content-Type": "application/json"})

    def _sibling(self, repository: Repository, file: str, blobs: bool) -> dict[str, Any]:
        if not blobs:
            return {"rfilename": file}
        data = (repository.folder / file).read_bytes()
        size = repository.sizes.get(file, len(data))
        told: dict[str, Any] = {"rfilename": file, "size": size, "blobId": _git_digest(data)}
        if file.endswith(LARGE):
            told["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": size, "pointerSize": 130}
        return told

    def _resolve(self, name: str, rest: str) -> None:
        revision, _, file = rest.partition("/")
        repository = self._visible(name)
        if repository is None:
            return
        if repository.gated and self.headers.get("Authorization") != f"Bearer {repository.token}":
            code = 403 if self.headers.get("Authorization") else 401
            self._refuse(code, "GatedRepo", f"Access to model {name} is restricted.")
        elif revision != COMMIT or file not in repository.files():
            self._refuse(404, "EntryNotFound", "Entry not found")
        elif file.endswith(LARGE):
            self._send(302, b"", {"Location": f"{self.hub.cdn}/cdn/{name}/resolve/{file}", "X-Repo-Commit": COMMIT})
        else:
            self._send_file(name, file)

    def _visible(self, name: str) -> Repository | None:
        repository, given = self.hub.repositories.get(name), self.headers.get("Authorization")
        if given and not given.startswith("Bearer hf_"):
            self._refuse(401, None, "Invalid credentials in Authorization header")
        elif repository is None or (
            repository.token and not repository.gated and given != f"Bearer {repository.token}"
        ):
            self._refuse(404 if given else 401, "RepoNotFound", "Repository not found")
        else:
            return repository
        return None

    def _send_file(self, name: str, file: str) -> None:
        repository = self.hub.repositories[name]
        data = (repository.folder / file).read_bytes()
        large = file.endswith(LARGE)
        if large and repository.status:
            self._refuse(repository.status.pop(0), None, "not now")
            return
        if file in repository.damaged:
            repository.damaged.remove(file)
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            self._write(repository, data[start:], large)

    def _write(self, repository: Repository, data: bytes, large: bool) -> None:
        end = repository.breaks.pop(0) if large and repository.breaks else len(data)
        for at in range(0, min(end, len(data)), CHUNK):
            if large:
                time.sleep(repository.pause)
            part = data[at : min(at + CHUNK, end)]
            self.wfile.write(part)
            self.hub.sent += len(part) if large else 0
        if end < len(data):
            self.wfile.flush()
            self.close_connection = True

    def _refuse(self, status: int, code: str | None, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(status, json.dumps({"error": message}).encode(), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _git_digest(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

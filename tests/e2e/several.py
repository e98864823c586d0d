"""Several engines as one: behind the port of `tropism serve --workers`, or each for itself behind nginx."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.process import Served

from tropism.testing.database import database_of

NUMBER = 3
OPTIONS = ("--port", "0", "--echo-models", "echo-a,echo-b")
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr warn; worker_processes 1; user root;
events {{ worker_connections 512; }}
http {{
  access_log off; client_max_body_size 64m; proxy_buffering off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream engines {{ {engines} keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://engines; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_connect_timeout 2s; proxy_next_upstream error timeout;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Several:
    """Where they answer, and their processes."""

    url: str
    processes: Callable[[], list[int]]
    are_replaced: bool
    """Whether somebody starts another one for one that died."""


@contextmanager
def workers(data: Path) -> Iterator[Several]:
    """One command with as many processes."""
    engine = Served(data, *OPTIONS, "--workers", str(NUMBER), "--database", database_of(data))
    url = engine.ready()
    try:
        yield Several(url, lambda: _children(engine.process.pid), True)
    finally:
        assert engine.stop() == 0


@contextmanager
def replicas(data: Path, number: int = NUMBER) -> Iterator[Several]:
    """As many commands on one PostgreSQL and one data directory, and nginx in front."""
    with ExitStack() as stack:
        engines = [Served(data, *OPTIONS, "--database", database_of(data)) for _ in range(number)]
        for engine in engines:
            stack.callback(engine.kill)
        addresses = [engine.ready().removeprefix("http://") for engine in engines]
        url = stack.enter_context(_nginx(data, addresses))
        yield Several(url, lambda: [each.process.pid for each in engines if each.process.poll() is None], False)


def _children(pid: int) -> list[int]:
    """The engines of a parent, the oldest first."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    found = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return sorted(
        each for each in found if b"tropism.server.processes.sibling" in Path(f"/proc/{each}/cmdline").read_bytes()
    )


@contextmanager
def _nginx(data: Path, addresses: list[str]) -> Iterator[str]:
    folder = data / "nginx"
    folder.mkdir()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    servers = " ".join(f"server {each} max_fails=1 fail_timeout=1s;" for each in addresses)
    text = NGINX.format(folder=folder, engines=servers, port=port)
    (folder / "nginx.conf").write_text(text if os.getuid() == 0 else text.replace(" user root;", ""))
    command = [shutil.which("nginx") or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("nginx did not start within 30 seconds")

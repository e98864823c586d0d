"""nginx twice: as the mock upstream, and as the plainest possible proxy in front of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.overhead.child import running, tool
from benchmarks.overhead.system import CHAT_PATH, System, completion

# The temporary paths matter to users other than root: nginx makes them at start even when it never uses them.
CONFIG = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {upstream}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /health {{ return 200 '{{}}'; }}
        {location}
    }}
}}
"""


@contextmanager
def mock(home: Path, port: int) -> Iterator[System]:
    """A fixed completion, from memory."""
    location = f"location = {CHAT_PATH} {{ return 200 '{completion().decode()}'; }}"
    with _server(home, port, upstream="", location=location):
        yield System(name="mock upstream", logs="nothing", port=port, model="mock", key="none")


@contextmanager
def proxy(home: Path, port: int, upstream_port: int) -> Iterator[System]:
    """A reverse proxy that keeps its upstream connections open."""
    upstream = (
        f"upstream mock {{ server 127.0.0.1:{upstream_port}; keepalive 256; "
        "keepalive_timeout 1h; keepalive_requests 1000000000; }"
    )
    location = 'location / { proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; }'
    with _server(home, port, upstream=upstream, location=location):
        yield System(name="nginx proxy", logs="nothing", port=port, model="mock", key="none")


@contextmanager
def _server(home: Path, port: int, *, upstream: str, location: str) -> Iterator[None]:
    config = home / "nginx.conf"
    config.write_text(CONFIG.format(port=port, upstream=upstream, location=location))
    command = [tool("nginx"), "-p", str(home), "-e", "stderr", "-c", str(config)]
    with running(command, home=home, port=port, ready="/health"):
        yield


def version() -> str:
    """The version of the nginx in use."""
    output = subprocess.run([tool("nginx"), "-v"], capture_output=True, text=True, check=True, timeout=10).stderr
    found = re.search(r"nginx/(\S+)", output)
    return found[1] if found else "unknown"

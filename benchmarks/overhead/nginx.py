"""nginx: the plainest possible proxy."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.overhead.child import running, tool
from benchmarks.overhead.system import System

# Without a buffer each piece of a stream goes out as it comes. The temporary paths matter to
# users other than root: nginx makes them at start even when it never uses them.
CONFIG = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream mock {{
        server 127.0.0.1:{upstream_port};
        keepalive 1024;
        keepalive_timeout 1h;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


@contextmanager
def proxy(home: Path, port: int, upstream_port: int) -> Iterator[System]:
    """A reverse proxy that keeps its upstream connections open."""
    config = home / "nginx.conf"
    config.write_text(CONFIG.format(port=port, upstream_port=upstream_port))
    command = [tool("nginx"), "-p", str(home), "-e", "stderr", "-c", str(config)]
    with running(command, home=home, port=port, ready="/health") as process:
        yield System(name="nginx proxy", logs="nothing", port=port, process=process)


def version() -> str:
    """The version of the nginx in use."""
    output = subprocess.run([tool("nginx"), "-v"], capture_output=True, text=True, check=True, timeout=10).stderr
    found = re.search(r"nginx/(\S+)", output)
    return found[1] if found else "unknown"

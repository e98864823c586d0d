"""The guard of a whole process: what libraries do on their own is judged, too, redirects and names included."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

GUARDED = """
import sys, urllib.request
from tropism.egress.policy import allowing
from tropism.egress.process import guard_process, refusal
url, entries, trusted = sys.argv[1], sys.argv[2].split(","), sys.argv[3]
host, _, port = trusted.partition(":")
guard_process(allowing(entries), (host, int(port)) if trusted else None)
try:
    print(urllib.request.urlopen(url, timeout=10).read().decode())
except Exception as error:
    print("refused:", refusal(error) or refusal(getattr(error, "reason", None)))
"""


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"inside")


@pytest.fixture(scope="module")
def port() -> object:
    with HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(url: str, allowed: str, trusted: str = "") -> str:
    done = subprocess.run([sys.executable, "-c", GUARDED, url, allowed, trusted], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::ffff:127.0.0.1]"])
def test_a_process_reaches_nothing_inside(port: int, host: str) -> None:
    assert "leads to a loopback address" in ask(f"http://{host}:{port}/", "public")


def test_what_is_allowed_is_reached(port: int) -> None:
    assert ask(f"http://127.0.0.1:{port}/", "loopback") == "inside"


def test_a_host_that_the_operator_named_is_reached_at_its_port_alone(port: int) -> None:
    assert ask(f"http://localhost:{port}/", "public", f"localhost:{port}") == "inside"
    assert "loopback" in ask(f"http://localhost:{port}/", "public", f"localhost:{port + 1}")


def test_a_redirect_leads_nowhere_else(port: int) -> None:
    trusted = f"localhost:{port}"
    assert ask(f"http://localhost:{port}/to/http://localhost:{port}/", "public", trusted) == "inside"
    for inside in (f"http://127.0.0.1:{port}/", "http://169.254.169.254/latest/meta-data/"):
        assert "leads to a" in ask(f"http://localhost:{port}/to/{inside}", "public", trusted)


def test_credentials_are_given_to_nobody(port: int) -> None:
    answer = ask("http://169.254.169.254/latest/", "private,loopback", "169.254.169.254:80")
    assert "gives out credentials" in answer

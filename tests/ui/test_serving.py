"""What the engine serves of the UI: its files, its one page for its own paths, and nothing else."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

import tropism
from tropism.testing import RunningServer

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SHELL_LIMIT = 300_000


@pytest.fixture
def anyone(server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.base_url) as client:
        yield client


def test_home_is_the_page_of_the_ui(anyone: httpx2.Client) -> None:
    page = anyone.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    assert '<div id="root">' in page.text


def test_a_path_of_the_ui_is_that_page_for_who_reads_pages(anyone: httpx2.Client) -> None:
    assert anyone.get("/use_cases/support", headers=HTML).text == anyone.get("/").text
    assert anyone.get("/use_cases/support").json()["type"] == "not_found"


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/v1/nowhere", "/docs/nowhere", "/health/nowhere"])
def test_an_unknown_path_of_the_api_stays_unknown(anyone: httpx2.Client, path: str) -> None:
    assert anyone.get(path, headers=HTML).status_code == 404


def test_only_reading_gets_the_page(anyone: httpx2.Client) -> None:
    assert anyone.post("/use_cases/support", headers=HTML).status_code == 404
    wrong = anyone.request("PUT", "/api/v1/use_cases", headers=HTML)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize(
    "path",
    [
        "/../package.json",
        "/%2e%2e/package.json",
        "/assets/..%2f..%2fpackage.json",
        "/assets/%2e%2e/%2e%2e/src/main.tsx",
        "//etc/passwd",
        "/index.html.gz",
    ],
)
def test_no_path_leads_out_of_the_build(server: RunningServer, path: str) -> None:
    host, port = server.base_url.removeprefix("http://").split(":")
    import socket

    with socket.create_connection((host, int(port))) as raw:  # a client would tidy the path up
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404"), answer[:200]


def test_assets_never_change_and_are_packed(anyone: httpx2.Client) -> None:
    script = re.findall(r'src="(/assets/[^"]+\.js)"', anyone.get("/").text)[0]
    packed = anyone.get(script, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "immutable" in packed.headers["cache-control"]
    assert packed.headers["content-type"].startswith("text/javascript")
    plain = anyone.get(script, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"


def test_no_script_runs_that_is_not_ours(anyone: httpx2.Client) -> None:
    page = anyone.get("/")
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "script-src" not in policy
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r"<script>|https?://", page.text)


def test_the_shell_is_small(anyone: httpx2.Client) -> None:
    """All that the first page loads before it says anything, as it goes over the network."""
    page = anyone.get("/").text
    files = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css|svg))"', page)
    assert len(files) >= 3
    sizes = {name: _size(anyone, name) for name in files}
    fonts = [name for name in sizes if name.endswith(".css")]
    latin = re.search(r"/assets/inter-latin-wght-normal-\w+\.woff2", "".join(anyone.get(name).text for name in fonts))
    assert latin is not None
    sizes["latin"] = _size(anyone, latin[0])
    assert sum(sizes.values()) < SHELL_LIMIT, sizes


def _size(anyone: httpx2.Client, name: str) -> int:
    answer = anyone.get(name, headers={"accept-encoding": "gzip"})
    packed = answer.headers.get("content-encoding") == "gzip"
    return len(gzip.compress(answer.content) if packed else answer.content)


def test_an_engine_without_a_built_ui_starts_and_says_so(tmp_path: Path) -> None:
    source = Path(tropism.__file__).parent
    shutil.copytree(source, tmp_path / "lib" / "tropism", ignore=shutil.ignore_patterns("built_ui", "__pycache__"))
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "lib"), "TROPISM_ADMIN_API_KEY": "tk_for-tests-only"}
    command = [sys.executable, "-m", "tropism.testing.process", str(tmp_path / "data"), "echo", "no"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        assert process.stdout is not None
        answer = httpx2.get(process.stdout.readline().strip(), headers=HTML)
    assert answer.status_code == 503
    assert "make ui" in answer.text

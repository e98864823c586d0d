"""Variables, ports, paths and times that the files of `deploy/` name are those of the engine, and of each other."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from tests.compute_pools.worker import working

from tropism.cli import app
from tropism.server.domains.compute_pools.service import INFERENCE
from tropism.server.domains.jobs.service import CAPABILITIES
from tropism.server.serving.inference import ANY_ADDRESS
from tropism.server.settings import Settings
from tropism.testing import run_server

from .files import COMPOSE, CONTAINERFILE, DEPLOY, OPEN_PATHS, PORT, ROOT, VARIABLES, WORKER

FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = sorted((DEPLOY / "systemd").iterdir())
ENGINES = {name: service for name, service in COMPOSE["services"].items() if name.startswith("engine-")}
NGINX = (DEPLOY / "nginx.conf").read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_variable_is_a_setting(path: Path) -> None:
    assert set(re.findall(r"\b(?:TROPISM|HF)_[A-Z_]+\b", path.read_text())) <= VARIABLES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_probe_asks_an_open_route(path: Path) -> None:
    text = path.read_text()
    asked = re.findall(r"127\.0\.0\.1:\d+(/\w+)'", text) + re.findall(r"httpGet: {path: ([^,]+),", text)
    assert set(asked) <= OPEN_PATHS


def test_the_port_is_the_same_everywhere() -> None:
    assert Settings().port == PORT
    assert f"EXPOSE {PORT}\n" in CONTAINERFILE
    assert f'"--port", "{PORT}"' in CONTAINERFILE
    assert f"127.0.0.1:{PORT}/ready" in CONTAINERFILE
    assert set(re.findall(r"containerPort: (\d+)", (DEPLOY / "helm/tropism/templates/engine.yaml").read_text())) == {
        str(PORT)
    }
    assert set(re.findall(r"engine-\d:(\d+)", NGINX)) == {str(PORT)}


def test_a_deployment_is_sized_by_what_was_measured() -> None:
    page, measured = (ROOT / "docs/guides/deploy.md").read_text(), (ROOT / "benchmarks/README.md").read_text()
    table = page.partition("<!-- sizing: begin -->")[2].partition("<!-- sizing: end -->")[0]
    figures = re.findall(r"\d[\d,.]*\d", re.sub(r"\d+th percentile", "", table))
    assert len(figures) == 6
    assert [figure for figure in figures if figure not in measured] == []


# The image


def test_the_image_runs_a_command_that_exists() -> None:
    command = re.search(r"^CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    assert command
    app.parse_args(yaml.safe_load(command[1]), exit_on_error=False, print_error=False)
    assert 'ENTRYPOINT ["tropism"]' in CONTAINERFILE


def test_the_image_has_two_stages_and_a_user_of_its_own() -> None:
    assert len(re.findall(r"^FROM ", CONTAINERFILE, re.MULTILINE)) == 2
    last = CONTAINERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "useradd --uid 10001" in last
    assert "python3-venv" not in last


def test_nothing_is_installed_into_the_image_without_a_hash() -> None:
    installs = re.findall(r"pip install(?:[^&\n\\]|\\\n)*", CONTAINERFILE)
    assert len(installs) == 3
    ours = [each for each in installs if "/wheels/" in each]
    assert len(ours) == 1
    assert all("--require-hashes" in each for each in installs if each not in ours)
    locks = re.findall(r"-r (requirements/\S+)", CONTAINERFILE)
    assert {"requirements/server.lock", "requirements/models.lock"} <= set(locks)
    assert all((ROOT / lock).is_file() for lock in locks)


def test_what_is_copied_into_the_image_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in kept)
    for line in re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert source == "." or Path(source).parts[0] in kept
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()


# Compose and nginx


def test_engines_and_workers_in_compose_can_change_nothing_but_their_data() -> None:
    assert len(ENGINES) == 2
    for each in (*ENGINES.values(), WORKER):
        assert each["read_only"]
        assert each["cap_drop"] == ["ALL"]
        assert each["volumes"] == ["data:/data"], "they share one data directory"


def test_compose_asks_engines_for_their_health_as_the_image_does() -> None:
    for engine in ENGINES.values():
        assert engine["healthcheck"]["test"][-1] in CONTAINERFILE


def test_compose_waits_longer_than_an_engine_drains() -> None:
    for each in (*ENGINES.values(), WORKER):
        drain = int(each["environment"]["TROPISM_DRAIN_SECONDS"])
        assert int(each["stop_grace_period"].rstrip("s")) > drain


def _worker_options() -> dict[str, Any]:
    _, bound, _ = app.parse_args(WORKER["command"], exit_on_error=False, print_error=False)
    return dict(bound.arguments)


def test_the_worker_of_compose_does_what_the_image_can() -> None:
    assert WORKER["command"][0] == "worker"
    able = set(_worker_options()["capabilities"].split(","))
    assert able <= {*CAPABILITIES, INFERENCE}
    assert ("training" in able) == ("train.lock" in CONTAINERFILE)


def test_who_does_not_ask_for_a_worker_gets_none() -> None:
    assert WORKER["profiles"] == ["worker"]
    assert [name for name, each in COMPOSE["services"].items() if "worker" in each.get("depends_on", ())] == []


def test_engines_find_the_worker_of_compose_by_the_name_of_its_service() -> None:
    host, _, port = _worker_options()["listen"].rpartition(":")
    assert host in ANY_ADDRESS, "then engines ask it by the name of its machine"
    assert "TROPISM_WORKER_ADDRESS" not in WORKER["environment"]
    assert WORKER["hostname"] == "worker"
    assert f"'127.0.0.1', {port}," in WORKER["healthcheck"]["test"][-1]


def test_the_worker_of_compose_is_told_what_engines_are_but_the_key_of_the_admin() -> None:
    told = WORKER["environment"]
    assert {"TROPISM_DATABASE", "TROPISM_SECRET_KEY", "TROPISM_EGRESS_ALLOW"} <= told.keys()
    assert "TROPISM_ADMIN_API_KEY" not in told
    for engine in ENGINES.values():
        assert told.items() <= engine["environment"].items()


def test_a_worker_that_hangs_is_not_healthy() -> None:
    """A probe that opened a connection and no more would not see it: the kernel takes connections for it."""
    with run_server() as server, socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        held.close()
        _, *probe, program = WORKER["healthcheck"]["test"]
        command = [sys.executable, *probe[1:], program.replace("8090", str(port))]
        listening = ("--pool", "local", "--capabilities", "inference", "--listen", f"127.0.0.1:{port}")
        with working(server, *listening) as worker:
            assert any(subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0 for _ in range(100))
            worker.send_signal(signal.SIGSTOP)
            assert subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0


def test_secrets_of_compose_are_in_the_example() -> None:
    wanted = set(re.findall(r"\${(\w+)", (DEPLOY / "compose.yaml").read_text()))
    example = (DEPLOY / "environment.example").read_text()
    assert wanted == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    assert re.findall(r"^\w*(?:KEY|PASSWORD)=(.+)$", example, re.MULTILINE) == [], "nobody starts with our secrets"


def test_nginx_knows_every_engine_of_compose() -> None:
    assert set(re.findall(r"server (engine-\d):", NGINX)) == set(ENGINES)
    most = re.search(r"client_max_body_size (\d+)m;", NGINX)
    assert most
    assert int(most[1]) * 2**20 == Settings().max_body_bytes


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[str]:
    """nginx with our configuration before one engine that runs and one that does not."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
    if nginx is None:
        pytest.skip("there is no nginx here: apt-get install nginx-light")
    with run_server() as server, socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        held.close()
        ours = NGINX.replace(f"listen {PORT};", f"listen 127.0.0.1:{port};").replace(f"engine-2:{PORT}", "127.0.0.1:9")
        ours = ours.replace(f"engine-1:{PORT}", server.base_url.removeprefix("http://"))
        folders = "".join(
            f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        whole = f"daemon off; pid {tmp_path}/pid; events {{}}\nhttp {{ access_log off;\n{folders}{ours} }}\n"
        (tmp_path / "nginx.conf").write_text(whole)
        process = subprocess.Popen([nginx, "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "log")])
        try:
            yield _when_it_answers(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait()


def _when_it_answers(url: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(100):
        assert process.poll() is None
        try:
            httpx2.get(f"{url}/health")
            return url
        except httpx2.TransportError:
            pass
    raise TimeoutError


def test_an_engine_that_is_down_is_left_out(proxied: str) -> None:
    assert {httpx2.get(f"{proxied}/ready").status_code for _ in range(20)} == {200}


# systemd


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_exists(path: Path) -> None:
    command = re.search(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE)
    assert command
    words = shlex.split(command[1].replace("%i", "8081"))
    assert words[0] == "/opt/tropism/bin/tropism"
    app.parse_args(words[1:], exit_on_error=False, print_error=False)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_waits_longer_than_an_engine_drains(path: Path) -> None:
    seconds = re.search(r"^TimeoutStopSec=(\d+)$", path.read_text(), re.MULTILINE)
    assert seconds
    assert int(seconds[1]) > Settings().drain_seconds


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_a_unit(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name.replace("@", "@8081")
    copy.write_text(path.read_text())
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if copy.name in line and "is not executable" not in line]
    assert said == []

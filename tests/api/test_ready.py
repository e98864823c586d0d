"""An engine lives as long as it answers, and is ready as long as its database does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest
from tests.postgres import postgres_server

from tropism.testing import RunningServer, run_server


@pytest.fixture
def on_postgres() -> Iterator[tuple[RunningServer, int]]:
    """A server on PostgreSQL, and the process of that."""
    try:
        running = postgres_server()
        url = running.__enter__()
    except RuntimeError as missing:
        pytest.skip(str(missing))
    try:
        with psycopg.connect(url) as connection:
            row = connection.execute("select pg_backend_pid()").fetchone()
            assert row
            parent = int(Path(f"/proc/{row[0]}/stat").read_text().rpartition(")")[2].split()[1])
        with run_server(database=url) as server:
            yield server, parent
    finally:
        running.__exit__(None, None, None)


def test_a_server_is_ready(server: RunningServer) -> None:
    answer = httpx2.get(f"{server.base_url}/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_a_server_whose_database_is_silent_lives_and_is_not_ready(on_postgres: tuple[RunningServer, int]) -> None:
    server, postgres = on_postgres
    assert httpx2.get(f"{server.base_url}/ready").status_code == 200
    everyone = [postgres, *children(postgres)]
    for pid in everyone:
        os.kill(pid, signal.SIGSTOP)
    try:
        answer = httpx2.get(f"{server.base_url}/ready", timeout=10)
        assert httpx2.get(f"{server.base_url}/health").status_code == 200
    finally:
        for pid in everyone:
            os.kill(pid, signal.SIGCONT)
    assert (answer.status_code, answer.json()["type"]) == (503, "not_ready")
    assert "did not answer within 2 seconds" in answer.json()["message"]
    assert answer.headers["retry-after"] == "1"
    assert httpx2.get(f"{server.base_url}/ready", timeout=10).status_code == 200


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

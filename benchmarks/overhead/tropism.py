"""Tropism: one process with durable logging, the mock attached as an external model."""

from __future__ import annotations

import importlib.metadata
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.overhead import web
from benchmarks.overhead.child import running
from benchmarks.overhead.failure import BenchmarkError
from benchmarks.overhead.system import System

USE_CASE = "bench"


class _Page(msgspec.Struct):
    total_count: int


@contextmanager
def server(home: Path, port: int, upstream_port: int, checkout: Path | None = None) -> Iterator[System]:
    """`tropism serve` on an empty data directory, set up through its API: ours, or that of another checkout."""
    python = Path(sys.executable) if checkout is None else checkout / ".venv/bin/python"
    command = python.with_name("tropism")
    if not command.exists():
        raise BenchmarkError(f"{command.name} is not installed beside {python}. Run there: make setup")
    key = secrets.token_urlsafe(32)
    with running(
        [str(command), "serve", "--host", "127.0.0.1", "--port", str(port), "--data", str(home / "data")],
        home=home,
        port=port,
        ready="/health",
        settings={"TROPISM_ADMIN_API_KEY": key, "TROPISM_BUNDLED_MODELS": "0"},
        start_seconds=60,
    ):
        _attach_mock(port, key, upstream_port)
        name = f"Tropism {version()}" if checkout is None else f"Tropism in {checkout.name}"
        yield System(name=name, logs="every one", port=port, model=USE_CASE, key=key)


def _attach_mock(port: int, key: str, upstream_port: int) -> None:
    external = {
        "name": "mock",
        "key": "mock",
        "external_model_id": "mock",
        "api_key": "x",
        "provider": "custom",
        "endpoint": f"http://127.0.0.1:{upstream_port}/v1",
    }
    web.call(port, "POST", "/api/v1/use_cases", key=key, body={"key": USE_CASE})
    web.call(port, "POST", "/api/v1/models/external", key=key, body=external)
    attached = {"model": "mock", "make_default": True}
    web.call(port, "POST", f"/api/v1/use_cases/{USE_CASE}/models", key=key, body=attached)


def logged(system: System) -> int:
    """How many interactions the server says it has."""
    query = {"use_case": USE_CASE, "page": {"first": 1}}
    body = web.call(system.port, "POST", "/api/v1/interactions/query", key=system.key, body=query, timeout_seconds=120)
    return msgspec.json.decode(body, type=_Page).total_count


def version() -> str:
    """The installed version."""
    return importlib.metadata.version("tropism")

"""Tropism: one process with durable logging, the mock attached as an external model."""

from __future__ import annotations

import importlib.metadata
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
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
    ) as process:
        headers = {**web.JSON, "Authorization": f"Bearer {key}"}
        _attach_mock(port, headers, upstream_port)
        name = f"Tropism {version()}" if checkout is None else f"Tropism in {checkout.name}"
        yield System(
            name=name,
            logs="each, before the answer",
            port=port,
            process=process,
            model=USE_CASE,
            key=key,
            logged=partial(_logged, port, headers),
        )


def _attach_mock(port: int, headers: dict[str, str], upstream_port: int) -> None:
    external = {
        "name": "mock",
        "key": "mock",
        "external_model_id": "mock",
        "api_key": "x",
        "provider": "custom",
        "endpoint": f"http://127.0.0.1:{upstream_port}/v1",
    }
    attached = {"model": "mock", "make_default": True}
    for path, body in (
        ("/api/v1/use_cases", {"key": USE_CASE}),
        ("/api/v1/models/external", external),
        (f"/api/v1/use_cases/{USE_CASE}/models", attached),
    ):
        web.call(port, "POST", path, headers=headers, body=body)


def _logged(port: int, headers: dict[str, str]) -> int:
    """How many interactions the server says it has."""
    query = {"use_case": USE_CASE, "page": {"first": 1}}
    path = "/api/v1/interactions/query"
    body = web.call(port, "POST", path, headers=headers, body=query, timeout_seconds=120)
    return msgspec.json.decode(body, type=_Page).total_count


def version() -> str:
    """The installed version."""
    return importlib.metadata.version("tropism")

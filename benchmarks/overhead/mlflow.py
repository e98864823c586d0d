"""MLflow's AI gateway: its server with one worker, as its docs run it, with its traces of each call on or off."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.overhead import web
from benchmarks.overhead.child import running
from benchmarks.overhead.install import python
from benchmarks.overhead.system import System

VERSION = "3.17.2"
API = "/api/3.0/mlflow/gateway"
DATABASE = "mlflow.db"
OPTIONS = [
    "--workers=1",
    f"--backend-store-uri=sqlite:///{DATABASE}",
    # It would write a line for each request.
    "--uvicorn-opts=--log-level=warning --no-access-log",
]
# An upstream may be on this machine only if that is allowed. The jobs are those of its evaluations.
SETTINGS = {
    "MLFLOW_GATEWAY_API_BASE_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_GATEWAY_API_BASE_ALLOWED_SCHEMES": "http",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def install(bench: Path) -> Path:
    """Its `mlflow` command, installed on the first call."""
    return python(bench / "mlflow", f"mlflow[genai]=={VERSION}") / "mlflow"


@contextmanager
def server(command: Path, home: Path, port: int, upstream_port: int, *, traces: bool) -> Iterator[System]:
    """The server with the mock as its only endpoint."""
    with running(
        [str(command), "server", "--host=127.0.0.1", f"--port={port}", *OPTIONS],
        home=home,
        port=port,
        ready="/health",
        settings={**SETTINGS, "MLFLOW_CRYPTO_KEK_PASSPHRASE": secrets.token_urlsafe(32)},
        start_seconds=120,
    ) as process:
        _add_mock(port, upstream_port, traces)
        yield System(
            name=f"MLflow {VERSION}{', traces on' if traces else ''}",
            logs="each, after the answer" if traces else "nothing",
            port=port,
            process=process,
            path="/gateway/mlflow/v1/chat/completions",
            logged=partial(_traced, home) if traces else None,
        )


def _add_mock(port: int, upstream_port: int, traces: bool) -> None:
    upstream = {"api_base": f"http://127.0.0.1:{upstream_port}/v1"}
    secret = _create(port, "secrets", secret_name="mock", secret_value={"api_key": "x"}, auth_config=upstream)
    named = {"name": "mock", "provider": "openai", "model_name": "mock"}
    model = _create(port, "model-definitions", **named, secret_id=secret["secret"]["secret_id"])
    model_id = model["model_definition"]["model_definition_id"]
    only = {"model_definition_id": model_id, "linkage_type": "PRIMARY", "weight": 1.0}
    _create(port, "endpoints", name="mock", usage_tracking=traces, model_configs=[only])


def _create(port: int, what: str, **fields: object) -> Any:
    return msgspec.json.decode(web.call(port, "POST", f"{API}/{what}/create", body=fields))


def _traced(home: Path) -> int:
    """How many traces are in the database of the server that runs there."""
    with closing(sqlite3.connect(f"file:{home / DATABASE}?mode=ro", uri=True)) as database:
        return int(database.execute("select count(*) from trace_info").fetchone()[0])

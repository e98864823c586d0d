"""LiteLLM's proxy: one worker, in a virtual environment of its own, as its docs run it without a database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.overhead.child import running
from benchmarks.overhead.install import python
from benchmarks.overhead.system import System

VERSION = "1.106.2"

# The first two are the production page's advice. The others keep it from looking up price lists and the like on the
# network at start; this version sends no telemetry.
SETTINGS = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "LITELLM_LOCAL_MODEL_COST_MAP": "true",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "true",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "true",
    "LITELLM_LOCAL_BLOG_POSTS": "true",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "true",
}


def install(bench: Path) -> Path:
    """Its `litellm` command, installed on the first call."""
    return python(bench / "litellm", f"litellm[proxy]=={VERSION}") / "litellm"


@contextmanager
def proxy(command: Path, home: Path, port: int, upstream_port: int) -> Iterator[System]:
    """The proxy with the mock as its only model."""
    key = f"sk-{secrets.token_urlsafe(32)}"
    config = home / "config.yaml"
    config.write_bytes(_config(upstream_port))
    # Granian comes with the package and its docs offer it; it was faster than the default server, so it is used.
    arguments = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    with running(
        [str(command), *arguments, "--run_granian"],
        home=home,
        port=port,
        ready="/health/liveliness",
        settings={**SETTINGS, "LITELLM_MASTER_KEY": key},
        start_seconds=180,
    ) as process:
        yield System(name=f"LiteLLM {VERSION}", logs="nothing", port=port, process=process, key=key)


def _config(upstream_port: int) -> bytes:
    """JSON is YAML too."""
    parameters = {"model": "openai/mock", "api_base": f"http://127.0.0.1:{upstream_port}/v1", "api_key": "x"}
    return msgspec.json.encode(
        {
            "model_list": [{"model_name": "mock", "litellm_params": parameters}],
            "litellm_settings": {"request_timeout": 600, "set_verbose": False, "json_logs": True},
        }
    )

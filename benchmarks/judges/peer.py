"""ragas, pinned, in a virtual environment of its own, with the same judge model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.judges.figures import Run
from benchmarks.judges.judge_model import JudgeModel
from benchmarks.judges.labelled import Labelled
from tropism.judges.registry import Method

VERSION = "0.4.3"
# A later langchain-community lacks a module that this ragas imports.
REQUIREMENTS = (f"ragas=={VERSION}", "langchain-community==0.4.1")
INSTALL_SECONDS = 1200
RUN_SECONDS = 7200
CHILD = Path(__file__).with_name("peer_child.py")


class PeerError(Exception):
    """ragas could not be installed, or did not run to its end."""


def install(bench: Path) -> Path:
    """The Python of its environment under `bench`, made on the first call."""
    folder = bench / "ragas"
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != " ".join(REQUIREMENTS):
        print(f"Installing ragas {VERSION} into {folder} ...", file=sys.stderr, flush=True)
        _call([sys.executable, "-m", "venv", "--clear", str(folder)])
        _call([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *REQUIREMENTS])
        stamp.write_text(" ".join(REQUIREMENTS))
    return folder / "bin" / "python"


def _call(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise PeerError(f"ragas {VERSION} could not be installed:\n{error.stderr[-2000:]}") from error


def run(python: Path, model: JudgeModel, method: Method, samples: Sequence[Labelled], embeddings: str) -> Run:
    use_case = model.use_case(f"ragas-{method}")
    config = {
        "base_url": f"{model.server.base_url}/v1",
        "api_key": model.server.api_key,
        "model": use_case,
        "embeddings": embeddings,
        "method": method,
        "samples": msgspec.to_builtins(samples),
    }
    begin = time.monotonic()
    scores = _child(python, config)
    seconds = time.monotonic() - begin
    calls, tokens = model.spent(use_case)
    return Run(name=f"ragas {VERSION}", scores=scores, calls=calls, tokens=tokens, seconds=seconds)


def _child(python: Path, config: object) -> list[float | None]:
    done = subprocess.run(
        [str(python), str(CHILD)],
        input=json.dumps(config),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        env={**os.environ, "RAGAS_DO_NOT_TRACK": "true", "PYTHONWARNINGS": "ignore"},
    )
    if done.returncode != 0:
        raise PeerError(f"ragas {VERSION} failed:\n{done.stderr[-2000:]}")
    print(done.stderr, file=sys.stderr)
    scores: list[float | None] = json.loads(done.stdout.splitlines()[-1])
    return scores

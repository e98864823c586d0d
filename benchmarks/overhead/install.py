"""What a peer needs, in an environment of its own: installed on first use, and again when another version is wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.overhead.failure import BenchmarkError

INSTALL_SECONDS = 1200


def python(folder: Path, requirement: str) -> Path:
    """The `bin` of a virtual environment that holds a package from PyPI."""
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement],
    ]
    _once(folder, requirement, commands)
    return folder / "bin"


def node(folder: Path, *requirements: str) -> Path:
    """The `node_modules` that holds packages from the npm registry."""
    npm = _beside_us("npm")
    commands = [[npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", *requirements]]
    _once(folder, " ".join(requirements), commands, {"PATH": f"{Path(npm).parent}:{os.environ['PATH']}"})
    return folder / "node_modules"


def node_program() -> str:
    """Runs what npm has installed."""
    return _beside_us("node")


def _beside_us(name: str) -> str:
    """The machine's own, or that which `make ui` has put beside our Python."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise BenchmarkError(f"{name} is missing. Install it, or run: make ui")
    return found


def _once(
    folder: Path, requirement: str, commands: Sequence[Sequence[str]], settings: Mapping[str, str] | None = None
) -> None:
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text() == requirement:
        return
    print(f"Installing {requirement} into {folder} ...", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    for command in commands:
        _run(command, requirement, {**os.environ, **(settings or {})})
    stamp.write_text(requirement)


def _run(command: Sequence[str], requirement: str, environment: Mapping[str, str]) -> None:
    try:
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS, capture_output=True, text=True, env=environment)
    except subprocess.CalledProcessError as error:
        raise BenchmarkError(f"{requirement} could not be installed:\n{error.stderr[-2000:]}") from error

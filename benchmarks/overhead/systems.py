"""The systems of a run, by the names that `--skip` takes."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.overhead import child, litellm, mlflow, nginx, portkey, tropism, upstream
from benchmarks.overhead.system import System

NAMES = ("nginx", "tropism", "litellm", "mlflow", "mlflow-traces", "portkey")

Start = Callable[[Path, int, int], contextlib.AbstractContextManager[System]]
"""With a folder of its own, its port, and the port of the mock."""


def start(stack: contextlib.ExitStack, names: Sequence[str], beside: Path | None, bench: Path) -> dict[str, System]:
    """The mock and the named systems, stopped in turn when the stack closes. Data lies on the checkout's own disk."""
    starters = {name: _starter(name, bench) for name in names}
    if beside:
        starters["beside"] = partial(tropism.server, checkout=beside)
    run = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=bench)))
    mock_port, *ports = child.free_ports(1 + len(starters))
    systems = {"mock": stack.enter_context(upstream.mock(_folder(run, "mock"), mock_port))}
    for (name, starter), port in zip(starters.items(), ports, strict=True):
        systems[name] = stack.enter_context(starter(_folder(run, name), port, mock_port))
    return systems


def _folder(run: Path, name: str) -> Path:
    (run / name).mkdir()
    return run / name


def _starter(name: str, bench: Path) -> Start:
    """Installs the system where that is needed."""
    match name:
        case "nginx":
            return nginx.proxy
        case "tropism":
            return tropism.server
        case "litellm":
            return partial(litellm.proxy, litellm.install(bench))
        case "portkey":
            return partial(portkey.gateway, portkey.install(bench))
        case _:
            return partial(mlflow.server, mlflow.install(bench), traces=name == "mlflow-traces")

"""`python -m benchmarks.start`: `import tropism`, `tropism serve` until it is ready, and the memory of an idle engine.

The import runs in turn with an interpreter that does nothing, and counts as the difference. The engine starts as a user
starts it, bundled models included: in turn on an empty database and on one with a million interactions.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from benchmarks import markdown
from benchmarks.overhead import machine
from benchmarks.scale.load import load
from benchmarks.scale.world import MODELS, USE_CASE, made_through_the_api
from benchmarks.start import page
from tropism import Tropism
from tropism.engines import bundled
from tropism.testing.database import database_of
from tropism.testing.server import ADMIN_KEY, run_server

IDLE_SECONDS = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--times", type=int, default=9, help="of each (default 9)")
    parser.add_argument("--interactions", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="replace the figures in benchmarks/README.md")
    options = parser.parse_args()
    on = machine.description()
    with tempfile.TemporaryDirectory(prefix="tropism-start-") as folder:
        full, empty = Path(folder, "full"), Path(folder, "empty")
        _fill(full, options.interactions)
        _started(empty)  # the first start of all makes the schema and prepares the bundled models
        _started(full)
        importing = [(_ran("pass"), _ran("import tropism")) for _ in range(options.times)]
        starting = [(_started(empty), _started(full)) for _ in range(options.times)]
        memory = {"": _idle(full, ()), " with both bundled models loaded": _idle(full, bundled.MODELS)}
    result = f"Measured {on}.\n\n{page.text(importing, starting, memory, options.interactions)}"
    print(result)
    if options.write:
        markdown.write("start", result)
    return 0


def _fill(data: Path, size: int) -> None:
    with run_server(echo_models=MODELS, data=data) as server:
        world, database = made_through_the_api(server, size), server.database
    print(f"loading {size:,} interactions", file=sys.stderr, flush=True)
    load(database, world)


def _ran(code: str) -> float:
    """Milliseconds that a fresh interpreter takes for this."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tempfile.gettempdir())
    return (time.perf_counter() - began) * 1000


def _started(data: Path) -> float:
    """Seconds from the command to the first answer that it is ready."""
    with _serving(data) as (_, _, seconds):
        return seconds


def _idle(data: Path, models: Iterable[str]) -> float:
    """MB that an engine and its children hold after some seconds, shared pages counted once."""
    with _serving(data) as (process, url, _):
        with Tropism(url, ADMIN_KEY) as client:
            for model in models:
                client.models.attach(model, wait=True, use_case=USE_CASE)
        time.sleep(IDLE_SECONDS)
        return sum(_held(pid) for pid in _family(process.pid)) / 1e6


@contextmanager
def _serving(data: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, float]]:
    """The process, its URL, and how long it took."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("tropism")), "serve", "--port", str(port), "--data", str(data)]
    settings = {"TROPISM_ADMIN_API_KEY": ADMIN_KEY, "TROPISM_DATABASE": database_of(data)}
    url = f"http://127.0.0.1:{port}"
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
    try:
        while not _is_ready(url):
            if process.poll() is not None:
                sys.exit(f"tropism serve ended with code {process.returncode}; it has said why on standard error")
            time.sleep(0.005)
        yield process, url, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/ready", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def _family(pid: int) -> list[int]:
    """A process and all that came of it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]


def _held(pid: int) -> int:
    """Bytes, by the kernel's count of proportional shares."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    (line,) = (line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    sys.exit(main())

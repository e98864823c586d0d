"""Child processes: started on a free port, waited for, always stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.overhead import web
from benchmarks.overhead.failure import BenchmarkError

STOP_SECONDS = 10
DEBIAN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def tool(name: str) -> str:
    """The full path of a program from Debian, which this benchmark never installs itself."""
    found = shutil.which(name) or shutil.which(name, path=DEBIAN_PATH)
    if found is None:
        raise BenchmarkError(f"{name} is missing. Run: apt-get install -y nginx-light wrk")
    return found


def free_ports(count: int) -> list[int]:
    """Distinct ports that nobody listens on: all are held open until the last one is known."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Only what the child is told: a database URL or a proxy of the caller must not change the comparison."""
    return {"PATH": DEBIAN_PATH, "HOME": str(home), "LANG": "C.UTF-8", **settings}


@contextmanager
def running(
    command: Sequence[str],
    *,
    home: Path,
    port: int,
    ready: str,
    settings: Mapping[str, str] | None = None,
    start_seconds: float = 30,
) -> Iterator[int]:
    """Runs a server in a folder and a session of its own while the block lasts, and tells who leads the session.

    Enters the block once `GET ready` answers 200.
    """
    log = home / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=environment(home, settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, port, ready, log, start_seconds)
        yield process.pid
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], port: int, ready: str, log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchmarkError(f"{log.parent.name} ended with code {process.returncode}:\n{_tail(log)}")
        with contextlib.suppress(BenchmarkError):
            web.call(port, "GET", ready)
            return
        time.sleep(0.1)
    raise BenchmarkError(f"{log.parent.name} was not ready within {seconds:.0f} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    finally:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Reaches workers too, since the child leads a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)

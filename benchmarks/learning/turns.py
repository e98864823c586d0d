"""Two trainings side by side that take turns: one does a step while the other is stopped, so that both meet the same
neighbours on the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tropism.trainers import protocol

POLL_SECONDS = 0.05
THREADS = str(max(1, (os.cpu_count() or 1) - 1))
"""As many as a worker gives its trainer: the last core is left to those who serve."""
_TICKS = os.sysconf("SC_CLK_TCK")


class RunFailed(Exception):
    """A training has ended before its last step. The message has what it printed."""


@dataclass(kw_only=True)
class Runner:
    """A training in a process of its own, and how long each of its steps took."""

    name: str
    command: Sequence[str]
    folder: Path
    losses: Callable[[], list[float]]
    """One for each step that it has done."""
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    is_over: bool = False

    def start(self) -> None:
        with (self.folder / "printed.txt").open("wb") as printed:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=os.environ | protocol.ENVIRONMENT | {"OMP_NUM_THREADS": THREADS},
            )

    def turn(self) -> None:
        """Let it do one step, and stop it there."""
        before, cpu, began = len(self.losses()), self._cpu(), time.monotonic()
        self._process.send_signal(signal.SIGCONT)
        while len(self.losses()) == before:
            if self._process.poll() is not None:
                self.is_over = True
                return
            time.sleep(POLL_SECONDS)
        self.seconds.append(time.monotonic() - began)
        self._process.send_signal(signal.SIGSTOP)
        self.cpu_seconds.append(self._cpu() - cpu)

    def finish(self) -> None:
        """Let it save what it has learnt."""
        self._process.send_signal(signal.SIGCONT)
        if self._process.wait():
            raise RunFailed(f"{self.name} has failed: {(self.folder / 'printed.txt').read_text()[-2000:]}")

    def kill(self) -> None:
        self._process.kill()
        with self._process:  # which closes its pipe, and waits
            pass

    def _cpu(self) -> float:
        numbers = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / _TICKS


def take_turns(runners: Sequence[Runner]) -> None:
    """Run them to their ends. The first step of each is not counted: it begins with imports and the model."""
    with _started(runners):
        for runner in runners:
            runner.seconds.clear()
            runner.cpu_seconds.clear()
        while any(not runner.is_over for runner in runners):
            for runner in runners:
                if not runner.is_over:
                    runner.turn()
        for runner in runners:
            runner.finish()


@contextmanager
def _started(runners: Sequence[Runner]) -> Iterator[None]:
    begun: list[Runner] = []
    try:
        for runner in runners:
            runner.start()
            begun.append(runner)
            runner.turn()
        yield
    finally:
        for runner in begun:
            runner.kill()

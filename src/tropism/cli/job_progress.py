"""A job as it comes further: bars in a terminal, a line per change elsewhere. Both on stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeRemaining

from tropism.cli import show
from tropism.sdk.client import Tropism
from tropism.sdk.errors import APIConnectionError, APITimeoutError
from tropism.wire import jobs as wire

RECONNECTS = 30
"""Seconds that a server may be away, such as for a restart: the job goes on without it being watched."""


def follow(client: Tropism, job_id: str) -> wire.Job:
    """Show how a job comes further until it has ended."""
    console = Console(stderr=True, highlight=False)
    return _bars(console, changes(client, job_id)) if console.is_terminal else _lines(changes(client, job_id))


def changes(client: Tropism, job_id: str) -> Iterator[wire.Job]:
    """A job as it is, and again after every change until it has ended; a server that restarts is waited for."""
    lost = 0
    while True:
        try:
            for job in client.jobs.watch(job_id):
                lost = 0
                yield job
            return
        except (APIConnectionError, APITimeoutError):
            lost += 1
            if lost > RECONNECTS:
                raise
            time.sleep(1)


def _bars(console: Console, states: Iterator[wire.Job]) -> wire.Job:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemaining()
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}
        for job in states:
            if _trouble(job):
                progress.console.print(f"waits{_trouble(job)}", markup=False)
            for stage in job.stages:
                if stage.name not in tasks:
                    tasks[stage.name] = progress.add_task(stage.name, total=stage.total)
                progress.update(tasks[stage.name], completed=stage.processed, total=stage.total)
    return job


def _trouble(job: wire.Job) -> str:
    """Why a job that has not ended does not go on."""
    return f" ({job.error})" if job.error and job.status in ("PENDING", "RUNNING") else ""


def _lines(states: Iterator[wire.Job]) -> wire.Job:
    said = ""
    for job in states:
        done = ", ".join(f"{stage.name} {stage.processed}/{stage.total or '?'}" for stage in job.stages)
        if (line := f"{job.status}: {done}{_trouble(job)}") != said:
            show.note(line)
            said = line
    return job

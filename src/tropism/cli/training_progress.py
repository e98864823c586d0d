"""A training as it comes further: drawn anew in a terminal, a line per change elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tropism.cli import show
from tropism.cli.job_progress import changes
from tropism.cli.training_picture import line, picture
from tropism.sdk.client import Tropism
from tropism.wire.training import TrainingJob


def follow(client: Tropism, job_id: str, console: Console) -> TrainingJob:
    """Show it until it has ended, however it ends."""
    return _drawn(client, job_id, console) if console.is_terminal else _told(client, job_id, console)


def _drawn(client: Tropism, job_id: str, console: Console) -> TrainingJob:
    job = client.training.jobs.get(job_id)
    with Live(picture(job), console=console, refresh_per_second=4, transient=True) as live:
        for _ in changes(client, job_id):
            job = client.training.jobs.get(job_id)
            live.update(picture(job))
    return client.training.jobs.get(job_id)


def _told(client: Tropism, job_id: str, console: Console) -> TrainingJob:
    said = ""
    for _ in changes(client, job_id):
        if (now := line(client.training.jobs.get(job_id))) != said:
            console.print(Text(show.printable(now), "dim"), soft_wrap=True)
            said = now
    return client.training.jobs.get(job_id)

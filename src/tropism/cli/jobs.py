"""`tropism jobs`: work that goes on in the background."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from rich.console import RenderableType

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine
from tropism.cli.job_progress import follow
from tropism.wire import jobs as wire

app = App(name="jobs", help="Work that takes longer than a request.")


@app.command(name="list")
def list_(
    *,
    use_case: Annotated[str | None, Parameter(name=["--use-case", "-u"], env_var="TROPISM_USE_CASE")] = None,
    kind: wire.JobKind | None = None,
    status: wire.JobStatus | None = None,
    limit: int = 20,
    engine: Engine = DEFAULT,
) -> None:
    """List jobs, newest first."""
    with engine.client() as client:
        found = client.jobs.list(kind, status, limit=limit, use_case=use_case)
    rows = [(job.id, job.status, _how_far(job), job.name) for job in found]
    columns = ["=Id", "=Status", "~Progress", "~Name"]
    show.answer(engine, found, lambda: show.table(columns, rows, "No jobs."))


@app.command
def get(job_id: str, *, engine: Engine = DEFAULT) -> None:
    """Show a job and how far its stages are."""
    with engine.client() as client:
        job = client.jobs.get(job_id)
    show.answer(engine, job, lambda: picture(job))


@app.command
def watch(job_id: str, *, engine: Engine = DEFAULT) -> None:
    """Follow a job to its end, with a bar for each stage; the exit code is 1 when it fails."""
    with engine.client() as client:
        job = follow(client, job_id)
    show.answer(engine, job, lambda: picture(job))
    if job.status != "COMPLETED":
        raise SystemExit(1)


@app.command
def logs(job_id: str, *, engine: Engine = DEFAULT) -> None:
    """Show what the workers noted."""
    with engine.client() as client:
        lines = client.jobs.logs(job_id)
    rows = [(f"{line.at.astimezone():%H:%M:%S}", line.level, line.message) for line in lines]
    show.answer(engine, lines, lambda: show.table(["Time", "Level", "Message"], rows, "Nothing noted yet."))


@app.command
def cancel(job_id: str, *, engine: Engine = DEFAULT) -> None:
    """Cancel a job; what it has stored so far stays."""
    with engine.client() as client:
        job = client.jobs.cancel(job_id)
    show.answer(engine, job, lambda: picture(job))


def picture(job: wire.Job) -> RenderableType:
    """A job as people read it."""
    return show.record(
        {
            "Job": job.id,
            "Kind": job.kind,
            "Name": job.name,
            "Use case": job.use_case,
            "Status": job.status,
            "Stages": "\n".join(_stage(stage) for stage in job.stages),
            "Attempt": job.attempt if job.attempt > 1 else None,
            "Error": job.error,
            "Result": ", ".join(f"{name} {value}" for name, value in (job.result or {}).items()),
            "Started": job.started_at,
            "Ended": job.ended_at,
        }
    )


def _stage(stage: wire.Stage) -> str:
    of = "" if stage.total is None else f" of {stage.total}"
    return f"{stage.name}: {stage.status}, {stage.processed}{of} processed"


def _how_far(job: wire.Job) -> str:
    running = [stage for stage in job.stages if stage.status in ("RUNNING", "FAILED")]
    return "; ".join(f"{stage.name} {stage.processed}/{stage.total or '?'}" for stage in running) or "-"

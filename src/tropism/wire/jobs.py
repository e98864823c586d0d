"""Jobs: work that takes longer than a request, done by workers, and done once whatever dies meanwhile."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.values import LAST_NUMBER, Reference, Time

JobKind = Literal["dataset", "evaluation", "model", "training"]
JobStatus = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELED"]


class Stage(Struct, kw_only=True, frozen=True):
    """A part of a job. `total` is None until it is known."""

    name: str
    status: JobStatus = "PENDING"
    processed: int = 0
    total: int | None = None
    started_at: Time | None = None
    ended_at: Time | None = None


class Job(Struct, kw_only=True, frozen=True):
    """One piece of work and how far it is."""

    id: UUID
    kind: JobKind
    name: str
    use_case: str | None
    compute_pool: str
    status: JobStatus
    stages: list[Stage]
    attempt: int
    """How often it was begun: more than once when a worker died under it."""
    error: str | None = None
    """Why it failed, or why it was begun again."""
    result: dict[str, Any] | None = None
    """What it made, such as `{"dataset": KEY}`."""
    created_at: Time
    started_at: Time | None = None
    ended_at: Time | None = None


class JobFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which jobs to list; the newest come first."""

    kind: JobKind | None = None
    status: JobStatus | None = None
    use_case: Reference | None = None
    after: UUID | None = None
    """Only jobs older than this one: the last one of the page before."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Jobs(Struct, kw_only=True, frozen=True):
    """A page of jobs, newest first."""

    jobs: list[Job]


class JobReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A job by its id."""

    job: UUID


class JobLogsFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The lines of one job's log; `after` continues behind a line."""

    job: UUID
    after: Annotated[int, Meta(ge=0, le=LAST_NUMBER)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


class LogLine(Struct, kw_only=True, frozen=True):
    """What a worker noted while it worked."""

    number: int
    at: Time
    level: Literal["info", "warning", "error"]
    message: str


class JobLogs(Struct, kw_only=True, frozen=True):
    """Lines of a job's log, oldest first."""

    lines: list[LogLine]


LIST = Endpoint(
    method="GET",
    path="/api/v1/jobs",
    takes=JobFilter,
    returns=Jobs,
    permission="job:read",
    summary="List jobs, newest first.",
)
GET = Endpoint(
    method="GET",
    path="/api/v1/jobs/{job}",
    takes=JobReference,
    returns=Job,
    permission="job:read",
    summary="Get a job and how far it is.",
)
WATCH = Endpoint(
    method="GET",
    path="/api/v1/jobs/{job}/events",
    takes=JobReference,
    returns=Job,
    permission="job:read",
    summary="Watch a job: it is sent at once, and again whenever it changes, until it has ended.",
    streams=Job,
)
LOGS = Endpoint(
    method="GET",
    path="/api/v1/jobs/{job}/logs",
    takes=JobLogsFilter,
    returns=JobLogs,
    permission="job:read",
    summary="Read what the workers noted.",
)
CANCEL = Endpoint(
    method="POST",
    path="/api/v1/jobs/{job}/cancel",
    takes=JobReference,
    returns=Job,
    permission="job:cancel",
    summary="Cancel a job. What it has stored so far stays.",
)

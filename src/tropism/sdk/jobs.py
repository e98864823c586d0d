"""Jobs: work that takes longer than a request, looked up, watched, waited for, canceled."""

from __future__ import annotations

import builtins
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tropism.sdk.errors import APITimeoutError, TropismError
from tropism.sdk.flow import AsyncResource, Flow, Now, Reference, Resource, Sleep, SyncResource, operation, streaming
from tropism.sdk.inputs import Id, unchecked
from tropism.sdk.send import ask, send
from tropism.sdk.stream import AsyncStream, Stream
from tropism.wire import jobs as wire

Changes = TypeVar("Changes", covariant=True)

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
"""Seconds between two looks at a job that is waited for."""
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELED"})


def until_ended(job_id: Id, timeout: float | None) -> Flow[wire.Job]:
    """The job when it has ended well; an error with its own reason when it has not."""
    began: float = yield Now()
    pause = FIRST_PAUSE
    while (job := (yield from send(wire.GET, wire.JobReference(job=unchecked(job_id))))).status not in ENDED:
        now: float = yield Now()
        if timeout is not None and now - began >= timeout:
            raise APITimeoutError(
                f"Job {job.id} is still {job.status} after {timeout:g} seconds. It goes on; `jobs.get` tells how far "
                "it is, and `timeout` sets how long to wait."
            )
        yield Sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    if job.status != "COMPLETED":
        raise TropismError(f"Job {job.id} ended as {job.status}: {job.error or 'somebody canceled it'}.")
    return job


class Watched(Resource, Generic[Changes]):
    """Resources whose entities are jobs, each of which can be watched."""

    if TYPE_CHECKING:  # what comes out depends on the face, which a flow cannot say

        def watch(self, job_id: Id) -> Changes:
            """A stream of the job: as it is now, and again after every change, until it has ended."""

    else:

        @streaming
        def watch(self, job_id: Id) -> Flow[Any]:
            """A stream of the job: as it is now, and again after every change, until it has ended."""
            return (yield from ask(self, wire.WATCH, wire.JobReference(job=unchecked(job_id)), stream=True))


class _Jobs(Watched[Changes]):
    @operation
    def list(
        self,
        kind: wire.JobKind | None = None,
        status: wire.JobStatus | None = None,
        *,
        after: Id | None = None,
        limit: int = 100,
        use_case: Reference | None = None,
    ) -> Flow[builtins.list[wire.Job]]:
        """List jobs, newest first: those of every use case that you see, unless you name one.

        `after` continues behind a job, the last one of the page before.
        """
        takes = wire.JobFilter(
            kind=kind, status=status, use_case=unchecked(use_case), after=unchecked(after), limit=limit
        )
        answer = yield from send(wire.LIST, takes)
        return answer.jobs

    @operation
    def get(self, job_id: Id) -> Flow[wire.Job]:
        """Get a job, and how far each of its stages is."""
        return (yield from send(wire.GET, wire.JobReference(job=unchecked(job_id))))

    @operation
    def wait(self, job_id: Id, timeout: float | None = None) -> Flow[wire.Job]:
        """Wait until a job is COMPLETED and return it; raise with the reason if it ends otherwise.

        `timeout` is in seconds; None waits for as long as it takes.
        """
        return (yield from until_ended(job_id, timeout))

    @operation
    def logs(self, job_id: Id, *, after: int = 0, limit: int = 1000) -> Flow[builtins.list[wire.LogLine]]:
        """Read what the workers noted, oldest first; `after` continues behind a line's number."""
        takes = wire.JobLogsFilter(job=unchecked(job_id), after=after, limit=limit)
        answer = yield from send(wire.LOGS, takes)
        return answer.lines

    @operation
    def cancel(self, job_id: Id) -> Flow[wire.Job]:
        """Cancel a job. Its worker stops within a second; what is stored stays."""
        return (yield from send(wire.CANCEL, wire.JobReference(job=unchecked(job_id))))


class Jobs(_Jobs[Stream[wire.Job]], SyncResource):
    """Follow the work that goes on in the background."""


class AsyncJobs(_Jobs[Coroutine[Any, Any, AsyncStream[wire.Job]]], AsyncResource):
    """Follow the work that goes on in the background."""

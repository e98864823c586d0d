"""Evaluation jobs: a judge scores answers, and models are compared by the scores."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tropism.sdk.flow import AsyncResource, Defaults, Flow, Reference, SyncResource, operation
from tropism.sdk.inputs import CustomEvalConfigDict, DataConfigDict, Id, unchecked
from tropism.sdk.jobs import Changes, Watched, until_ended
from tropism.sdk.send import send
from tropism.sdk.stream import AsyncStream, Stream
from tropism.wire import evaluation as wire
from tropism.wire import jobs
from tropism.wire.jobs import JobReference

if TYPE_CHECKING:
    from tropism.sdk.connection import AsyncConnection, Connection


class _EvaluationJobs(Watched[Changes]):
    @operation
    def create(
        self,
        data_config: DataConfigDict | wire.DataConfig,
        models: Sequence[Reference],
        judge_model: Reference,
        method: wire.Method,
        custom_eval_config: CustomEvalConfigDict | wire.CustomEvalConfig | None = None,
        name: str | None = None,
        compute_pool: Reference | None = None,
        *,
        use_case: Reference | None = None,
    ) -> Flow[wire.EvaluationJob]:
        """Start an evaluation and return at once; `wait` waits for its end.

        `data_config` is {"datasource": {"dataset": {"dataset": KEY}}}, or {"datasource": {"completions":
        {"selection_type": "ALL" | "RANDOM" | "LAST", "max_samples": N, "filter": {...}, "replay_interactions": bool}}}.
        Each of `models` answers every prompt; with an empty list the completions of a dataset are judged as they are.
        Of logged completions that are not replayed, those of `models` are judged, or all. `judge_model` must be
        attached. The method `custom` needs `custom_eval_config`: {"guidelines": [{"name", "description"}],
        "feedback_key"}. Scores, from 0 to 1, are logged as feedback under that key, or under the method's name.
        """
        takes = self._takes(data_config, models, judge_model, method, custom_eval_config, name, compute_pool, use_case)
        return (yield from send(wire.CREATE, takes))

    @operation
    def estimate(
        self,
        data_config: DataConfigDict | wire.DataConfig,
        models: Sequence[Reference],
        judge_model: Reference,
        method: wire.Method,
        custom_eval_config: CustomEvalConfigDict | wire.CustomEvalConfig | None = None,
        *,
        use_case: Reference | None = None,
    ) -> Flow[wire.EvaluationEstimate]:
        """Tell how many calls and tokens `create` with the same arguments would take; nothing is started."""
        takes = self._takes(data_config, models, judge_model, method, custom_eval_config, None, None, use_case)
        return (yield from send(wire.ESTIMATE, takes, reads_only=True))

    def _takes(
        self,
        data_config: DataConfigDict | wire.DataConfig,
        models: Sequence[Reference],
        judge_model: Reference,
        method: wire.Method,
        custom_eval_config: CustomEvalConfigDict | wire.CustomEvalConfig | None,
        name: str | None,
        compute_pool: Reference | None,
        use_case: Reference | None,
    ) -> wire.EvaluationCreate:
        return wire.EvaluationCreate(
            use_case=self._use_case(use_case),
            data_config=unchecked(data_config),
            models=unchecked(models),
            judge_model=unchecked(judge_model),
            method=method,
            custom_eval_config=unchecked(custom_eval_config),
            name=name,
            compute_pool=unchecked(compute_pool),
        )

    @operation
    def list(
        self,
        status: jobs.JobStatus | None = None,
        *,
        after: Id | None = None,
        limit: int = 100,
        use_case: Reference | None = None,
    ) -> Flow[builtins.list[wire.EvaluationJob]]:
        """List the evaluations of a use case, newest first, without their reports; `after` continues behind a job."""
        takes = wire.EvaluationFilter(
            use_case=self._use_case(use_case), status=status, after=unchecked(after), limit=limit
        )
        answer = yield from send(wire.LIST, takes)
        return answer.jobs

    @operation
    def get(self, job_id: Id) -> Flow[wire.EvaluationJob]:
        """Get an evaluation with its report; while it runs, the report is partial."""
        return (yield from send(wire.GET, JobReference(job=unchecked(job_id))))

    @operation
    def wait(self, job_id: Id, timeout: float | None = None) -> Flow[wire.EvaluationJob]:
        """Wait until an evaluation is COMPLETED and return it; raise with the reason if it ends otherwise.

        `timeout` is in seconds; None waits for as long as it takes.
        """
        yield from until_ended(job_id, timeout)
        return (yield from send(wire.GET, JobReference(job=unchecked(job_id))))

    @operation
    def samples(
        self,
        job_id: Id,
        *,
        model: Reference | None = None,
        status: wire.VerdictStatus | None = None,
        min_score: float | None = None,
        max_score: float | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> Flow[wire.EvaluatedSamples]:
        """Get a page of verdicts with the judge's reasons, in the order of the samples."""
        takes = wire.SampleQuery(
            job=unchecked(job_id),
            model=unchecked(model),
            status=status,
            min_score=min_score,
            max_score=max_score,
            first=first,
            after=after,
        )
        return (yield from send(wire.SAMPLES, takes))

    @operation
    def cancel(self, job_id: Id) -> Flow[wire.EvaluationJob]:
        """Cancel an evaluation. What was answered and scored by then stays."""
        return (yield from send(wire.CANCEL, JobReference(job=unchecked(job_id))))


class EvaluationJobs(_EvaluationJobs[Stream[jobs.Job]], SyncResource):
    """Let a judge score answers."""

    def all_samples(
        self, job_id: Id, *, model: Reference | None = None, status: wire.VerdictStatus | None = None
    ) -> Iterator[wire.EvaluatedSample]:
        """Iterate over all verdicts of a job; pages are fetched as the loop goes on."""
        after: str | None = None
        while True:
            page = self.samples(job_id, model=model, status=status, first=100, after=after)
            yield from page.samples
            if not page.page_info.has_next_page:
                return
            after = page.page_info.end_cursor


class AsyncEvaluationJobs(_EvaluationJobs[Coroutine[Any, Any, AsyncStream[jobs.Job]]], AsyncResource):
    """Let a judge score answers."""

    async def all_samples(
        self, job_id: Id, *, model: Reference | None = None, status: wire.VerdictStatus | None = None
    ) -> AsyncIterator[wire.EvaluatedSample]:
        """Iterate over all verdicts of a job; pages are fetched as the loop goes on."""
        after: str | None = None
        while True:
            page = await self.samples(job_id, model=model, status=status, first=100, after=after)
            for sample in page.samples:
                yield sample
            if not page.page_info.has_next_page:
                return
            after = page.page_info.end_cursor


class Evaluation:
    """Find out offline how good answers are."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        self.jobs = EvaluationJobs(connection, defaults)


class AsyncEvaluation:
    """Find out offline how good answers are."""

    def __init__(self, connection: AsyncConnection, defaults: Defaults) -> None:
        self.jobs = AsyncEvaluationJobs(connection, defaults)

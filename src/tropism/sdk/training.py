"""Training jobs: a model learns from interactions, feedback or rewards."""

from __future__ import annotations

import builtins
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from tropism.sdk.flow import AsyncResource, Defaults, Flow, Reference, SyncResource, operation
from tropism.sdk.inputs import Id, TrainingJobConfigDict, unchecked
from tropism.sdk.jobs import Changes, Watched, until_ended
from tropism.sdk.send import send
from tropism.sdk.stream import AsyncStream, Stream
from tropism.wire import jobs
from tropism.wire import training as wire
from tropism.wire.jobs import JobReference

if TYPE_CHECKING:
    from tropism.sdk.connection import AsyncConnection, Connection


class _TrainingJobs(Watched[Changes]):
    @operation
    def create(
        self,
        model: Reference,
        config: TrainingJobConfigDict | wire.TrainingJobConfig,
        name: str | None = None,
        wait: bool = False,
        compute_pool: Reference | None = None,
        *,
        use_case: Reference | None = None,
    ) -> Flow[wire.TrainingJob]:
        """Train a model, and return at once, or with `wait` when its child is there; raise why if it fails.

        `config` is {"output_name", "training_config": {"training_metadata": {"alignment_method": "SFT" | "DPO" | "PPO"
        | "GRPO", "training_type": "PARAMETER_EFFICIENT" | "FULL_WEIGHTS", "parameters": {"dpo" | "ppo" | "grpo":
        {...}}}, "training_objective": {"sft" | "metric" | "guidelines" | "reward_server": {...}},
        "base_training_params": {"learning_rate", "num_epochs", "batch_size", "num_validations"}}, "sample_config":
        {"feedback_type": "DIRECT" | "PREFERENCE", "datasource": {"dataset": {"dataset": KEY}} or {"completions":
        {"selection_type": "ALL" | "RANDOM" | "LAST", "max_samples", "filter"}}}}. What makes no sense is refused with
        the nearest that does. The child's key is the job's `output_model`; attach it like any other model.
        """
        takes = wire.TrainingCreate(
            use_case=self._use_case(use_case),
            model=unchecked(model),
            config=unchecked(config),
            name=name,
            compute_pool=unchecked(compute_pool),
        )
        made = yield from send(wire.CREATE, takes)
        if not wait:
            return made
        yield from until_ended(made.id, None)
        return (yield from send(wire.GET, JobReference(job=made.id)))

    @operation
    def list(
        self,
        status: jobs.JobStatus | None = None,
        *,
        after: Id | None = None,
        limit: int = 100,
        use_case: Reference | None = None,
    ) -> Flow[builtins.list[wire.TrainingJob]]:
        """List the trainings of a use case, newest first, without their curves; `after` continues behind a job."""
        takes = wire.TrainingFilter(
            use_case=self._use_case(use_case), status=status, after=unchecked(after), limit=limit
        )
        answer = yield from send(wire.LIST, takes)
        return answer.jobs

    @operation
    def get(self, job_id: Id) -> Flow[wire.TrainingJob]:
        """Get a training: how far it is, its curve, its checkpoints, its child."""
        return (yield from send(wire.GET, JobReference(job=unchecked(job_id))))

    @operation
    def wait(self, job_id: Id, timeout: float | None = None) -> Flow[wire.TrainingJob]:
        """Wait until a training is COMPLETED and return it; raise with the reason if it ends otherwise.

        `timeout` is in seconds; None waits for as long as it takes.
        """
        yield from until_ended(job_id, timeout)
        return (yield from send(wire.GET, JobReference(job=unchecked(job_id))))

    @operation
    def cancel(self, job_id: Id) -> Flow[wire.TrainingJob]:
        """Cancel a training. Its trainer stops after the step that it is in; its last checkpoint is kept."""
        return (yield from send(wire.CANCEL, JobReference(job=unchecked(job_id))))


class TrainingJobs(_TrainingJobs[Stream[jobs.Job]], SyncResource):
    """Make better models of what you have."""


class AsyncTrainingJobs(_TrainingJobs[Coroutine[Any, Any, AsyncStream[jobs.Job]]], AsyncResource):
    """Make better models of what you have."""


class Training:
    """Make better models of what you have."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        self.jobs = TrainingJobs(connection, defaults)


class AsyncTraining:
    """Make better models of what you have."""

    def __init__(self, connection: AsyncConnection, defaults: Defaults) -> None:
        self.jobs = AsyncTrainingJobs(connection, defaults)

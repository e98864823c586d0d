"""The one file that knows the job engine, DBOS: which job a worker takes, how many at once, and what a crash left over.

DBOS keeps its queues in a file of its own beside the database, or in a schema of its own in PostgreSQL. The rows of the
table `job` are the truth: a job is put in the queue in the transaction that makes its row, and the worker hands DBOS
what it has not seen yet. So a crash in between, or even the loss of all that DBOS keeps, loses no job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence, Set
from typing import Any
from uuid import UUID

from dbos import DBOS, DBOSConfig, SetWorkflowID

from tropism.server.domains.jobs.states import Waiting

VERSION = "jobs-1"
"""DBOS goes on only with jobs of its own version. Ours are made to be begun again, whatever release began them."""
LIVE = ["PENDING", "ENQUEUED", "DELAYED"]
POLL_SECONDS = 0.5

Attempt = Callable[[UUID], Coroutine[Any, Any, None]]


class Queue:
    """The queues of one compute pool, as one worker sees them."""

    def __init__(
        self, url: str, pool: str, capabilities: Sequence[str], *, worker: str, at_once: Mapping[str, int]
    ) -> None:
        self._url, self._pool, self.capabilities = url, pool, capabilities
        self._worker, self._at_once = worker, at_once

    def start(self, attempt: Attempt, loop: asyncio.AbstractEventLoop) -> None:
        """Take jobs from now on, and do them in `loop`; those that this worker held when it died come first."""

        def do(job_id: str) -> None:
            asyncio.run_coroutine_threadsafe(attempt(UUID(job_id)), loop).result()

        config = DBOSConfig(
            name="tropism",
            system_database_url=self._url,
            executor_id=self._worker,
            application_version=VERSION,
            log_level="CRITICAL",
        )
        DBOS(config=config)
        self._do = DBOS.workflow(name="job", max_recovery_attempts=None)(do)
        DBOS.listen_queues([self._name(capability) for capability in self.capabilities])
        DBOS.launch()
        for capability in self.capabilities:
            DBOS.register_queue(
                self._name(capability), worker_concurrency=self._at_once[capability], polling_interval_sec=POLL_SECONDS
            )

    def offer(self, jobs: Iterable[Waiting], alive: Set[str]) -> None:
        """Queue the jobs that are not queued, and again those whose worker is not among the living, as we are."""
        alive = {*alive, self._worker}
        for job in jobs:
            known = DBOS.list_workflows(workflow_id_prefix=f"{job.id}:", load_input=False, load_output=False)
            live = [workflow for workflow in known if workflow.status in LIVE]
            for workflow in live:
                if workflow.status == "PENDING" and workflow.executor_id not in alive:
                    DBOS.resume_workflow(workflow.workflow_id, queue_name=self._name(job.capability))
            if live:
                continue
            # The same name from every worker of the pool: whoever is first has queued it.
            with SetWorkflowID(f"{job.id}:{len(known)}"):
                DBOS.enqueue_workflow(self._name(job.capability), self._do, str(job.id))

    def _name(self, capability: str) -> str:
        return f"pool/{self._pool}/{capability}"

"""Jobs as rows: put in a queue with what they are about, looked up, canceled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, insert, select, update

from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, NotFound
from tropism.server.tables.jobs import job, job_log
from tropism.server.tables.use_cases import use_case
from tropism.wire import jobs as wire

UNFINISHED = ("PENDING", "RUNNING")
DEFAULT_POOL = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a job is about. `request` is a struct that the job's function is given back, `stages` name its parts."""

    kind: wire.JobKind
    name: str
    team_id: UUID
    use_case_id: UUID
    request: msgspec.Struct
    stages: Sequence[str]
    pool: str = DEFAULT_POOL
    capability: str = "evaluation"

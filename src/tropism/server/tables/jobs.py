"""Jobs and what the workers noted. The row is the truth about a job; whoever changes it says from which state."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("team_id", Id, ForeignKey("team.id"), nullable=False),
    Column("use_case_id", Id, ForeignKey("use_case.id")),
    Column("user_id", Id, nullable=False),  # on whose behalf it works
    Column("pool", Text, nullable=False),
    Column("capability", Text, nullable=False),  # which workers of the pool may take it
    Column("status", Text, nullable=False),
    Column("request", Json, nullable=False),
    Column("stages", Json, nullable=False),
    Column("attempt", Integer, nullable=False),  # a worker writes only while this is the attempt that it began
    Column("deaths", Integer, nullable=False),  # how often a worker died under it since it last came further
    Column("result", Json),
    Column("error", Text),
    Column("heartbeat_ms", BigInteger),  # when its worker was last seen alive
    Column("progress_ms", BigInteger),  # when it last came further
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("secret", LargeBinary),  # what it needs and nobody may see, encrypted; gone when it has ended
    Column("worker", Text),  # the name of the one that has it, or had it last
)
Index("ix_job_status", job.c.status, job.c.pool, job.c.id)
Index("ix_job_use_case", job.c.use_case_id, job.c.kind, job.c.id)

job_log = Table(
    "job_log",
    metadata,
    Column("job_id", Id, ForeignKey("job.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("level", Text, nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "number"),
    sqlite_with_rowid=False,
)

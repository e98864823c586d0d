"""How latency and feedback of each model went, hour by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0020"
down_revision = "0019"
NOBODY = UUID(int=0)
SUMS = ("number", "total", "squares", "cubes")
PLACE = ("use_case_id", "metric", "hour", "model_id")


def upgrade() -> None:
    op.create_table(
        "trend",
        sa.Column("use_case_id", Id(length=16), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("model_id", Id(length=16), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in SUMS[1:]),
        sa.PrimaryKeyConstraint(*PLACE, name=op.f("pk_trend")),
        sqlite_with_rowid=False,
    )
    sums: defaultdict[tuple[Any, ...], list[float]] = defaultdict(lambda: [0, 0.0, 0.0, 0.0])
    for use_case, metric, answer, model, value in (*_latencies(), *_feedback()):
        so_far = sums[use_case, metric, (answer.int >> 80) // 3_600_000, model or NOBODY]
        for power in range(4):
            so_far[power] += value**power
    if sums:
        table = sa.table(
            "trend", *(sa.column(name, Id() if name.endswith("_id") else None) for name in (*PLACE, *SUMS))
        )
        names = (*PLACE, *SUMS)
        op.bulk_insert(table, [dict(zip(names, (*key, *value), strict=True)) for key, value in sums.items()])


def _log() -> Any:
    ids = [sa.column(name, Id()) for name in ("id", "use_case_id", "model_id")]
    return sa.table("interaction", *ids, *map(sa.column, ("source", "finish_reason", "latency_ms", "first_token_ms")))


def _latencies() -> Iterator[tuple[Any, ...]]:
    """The answers that people saw, once, from the log. Those that were cut short have no latency."""
    log = _log()
    seen = log.c.source.in_(("LIVE", "OFFLINE")) & (sa.func.coalesce(log.c.finish_reason, "") != "cancelled")
    for row in op.get_bind().execute(sa.select(log).where(seen), execution_options={"yield_per": 1_000}):
        for metric in ("latency_ms", "first_token_ms"):
            if (value := getattr(row, metric)) is not None:
                yield row.use_case_id, metric, row.id, row.model_id, value


def _feedback() -> Iterator[tuple[Any, ...]]:
    """What was said of them."""
    log, ids = _log(), [sa.column(name, Id()) for name in ("feedback_key_id", "completion_id")]
    said = sa.table("feedback", *ids, sa.column("value"))
    rows = sa.select(said, log).join(log, log.c.id == said.c.completion_id)
    seen = rows.where(log.c.source.in_(("LIVE", "OFFLINE")))
    for row in op.get_bind().execute(seen, execution_options={"yield_per": 1_000}):
        yield row.use_case_id, str(row.feedback_key_id), row.id, row.model_id, row.value

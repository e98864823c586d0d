"""Where a test goes: warmup → in_progress → done, or cancelled. Each step is one guarded update."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update

from tropism.server.clock import EPOCH
from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import figures
from tropism.server.domains.models import attachments
from tropism.server.tables.ab_tests import ab_test
from tropism.stats.report import Report

RUNNING = ("warmup", "in_progress")


def evaluate(transaction: Writing, test_id: UUID) -> None:
    """Look at the figures, and end the test if they decide it. Looking after every feedback does no harm to them."""
    test = transaction.row(select(ab_test).where(ab_test.c.id == test_id, ab_test.c.status.in_(RUNNING)))
    if test is None:
        return
    variants = figures.variants_of(transaction, test_id)
    seen = figures.look(transaction, test, variants)
    if test.status == "warmup" and seen.has_enough_feedbacks:
        transaction.run(_change(test_id, "warmup").values(status="in_progress"))
    if seen.decision != "continue" and end(transaction, test, variants, seen, "done"):
        _deploy(transaction, test, variants, seen)


def end(transaction: Writing, test: Row[Any], variants: list[Row[Any]], seen: Report, status: str) -> bool:
    """End a running test with the figures of this look, which are kept as they are. False if it had ended before."""
    milliseconds = int((transaction.now - EPOCH).total_seconds() * 1000)
    report = msgspec.to_builtins(figures.report(test, variants, seen, transaction.now))
    values = {"status": status, "ended_ms": milliseconds, "report": report}
    ended = transaction.run(_change(test.id, *RUNNING).values(**values)) == 1
    if ended:
        transaction.touch()
    return ended


def _deploy(transaction: Writing, test: Row[Any], variants: list[Row[Any]], seen: Report) -> None:
    """Make the winner the default, unless somebody chose another default since the test began."""
    if not test.auto_deploy or seen.winner is None:
        return
    winner, default = variants[seen.winner].model_id, attachments.default_of(transaction, test.use_case_id)
    if default == test.default_model_id and winner != default:
        attachments.make_default(transaction, test.use_case_id, winner)


def _change(test_id: UUID, *expected: str) -> Any:
    return update(ab_test).where(ab_test.c.id == test_id, ab_test.c.status.in_(expected))

"""Where a test goes: warmup → in_progress → done, or cancelled. Each step is one guarded update."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update

from tropism.server.clock import milliseconds
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.ab_tests import figures, history
from tropism.server.domains.ab_tests.figures import Look
from tropism.server.domains.models import attachments
from tropism.server.tables.ab_tests import ab_test
from tropism.wire.ab_tests import Outcome, Status

RUNNING = ("warmup", "in_progress")


def evaluate(transaction: Writing, test_id: UUID) -> None:
    """Look at the figures, and end the test if they decide it. Looking after every feedback does no harm to them."""
    test = running(transaction, test_id)
    if test is None:
        return
    look = figures.look(transaction, test)
    if test.status == "warmup" and look.seen.has_enough_feedbacks:
        transaction.run(_change(test_id, "warmup").values(status="in_progress"))
    outcome = _outcome(transaction, test, look)
    history.keep(transaction, test, look.seen, last=outcome is not None)
    if outcome is not None and end(transaction, look, "done", outcome):
        _deploy(transaction, look, outcome)


def running(session: Reading, test_id: UUID | None) -> Row[Any] | None:
    """The test, if it takes traffic and counts. What comes after its end changes nothing."""
    return session.row(select(ab_test).where(ab_test.c.id == test_id, ab_test.c.status.in_(RUNNING)))


def expire(transaction: Writing) -> None:
    """End the tests whose time is over."""
    over = select(ab_test.c.id).where(
        ab_test.c.status.in_(RUNNING), ab_test.c.expires_ms <= milliseconds(transaction.now)
    )
    for row in transaction.rows(over):
        evaluate(transaction, row.id)


def end(transaction: Writing, look: Look, status: Status, outcome: Outcome) -> bool:
    """End a running test with the figures of this look, which are kept as they are. False if it had ended before."""
    report = msgspec.to_builtins(figures.report(look, outcome, transaction.now))
    values = {"status": status, "ended_ms": milliseconds(transaction.now), "report": report}
    ended = transaction.run(_change(look.test.id, *RUNNING).values(**values)) == 1
    if ended:
        transaction.touch()
    return ended


def _outcome(transaction: Writing, test: Row[Any], look: Look) -> Outcome | None:
    """What ends the test, if anything does. A breached guardrail comes before any winner."""
    if any(each.breached for each in look.guardrails):
        return "guardrail"
    if look.seen.decision != "continue":
        return look.seen.decision
    return "expired" if test.expires_ms <= milliseconds(transaction.now) else None


def _deploy(transaction: Writing, look: Look, outcome: Outcome) -> None:
    """Make the winner the default, unless the split was broken, or somebody chose another default meanwhile."""
    test, winner = look.test, look.seen.winner
    if not test.auto_deploy or winner is None or outcome == "guardrail" or look.sample_ratio.alarm:
        return
    model_id, default = look.variants[winner].model_id, attachments.default_of(transaction, test.use_case_id)
    if default == test.default_model_id and model_id != default:
        attachments.make_default(transaction, test.use_case_id, model_id)


def _change(test_id: UUID, *expected: str) -> Any:
    return update(ab_test).where(ab_test.c.id == test_id, ab_test.c.status.in_(expected))

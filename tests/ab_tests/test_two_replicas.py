"""Two engines on one database: whatever both do at the same moment, a test ends once, and both tell the same of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, update

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.ab_tests import assignment, counting, figures, lifecycle
from tropism.server.domains.ab_tests import service as ab_tests
from tropism.server.domains.feedback import keys
from tropism.server.domains.feedback import service as feedback
from tropism.server.domains.interactions import records
from tropism.server.domains.interactions.records import Record
from tropism.server.domains.models import attachments, service
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict
from tropism.server.identity.principal import SYSTEM
from tropism.server.snapshot import Snapshot
from tropism.server.tables.ab_tests import ab_look, ab_test, ab_variant
from tropism.server.tables.access import team
from tropism.server.tables.models import attachment, model
from tropism.stats.sums import Sums, Unit
from tropism.wire.ab_tests import ABReport, ABTestCreate, ABTestReference
from tropism.wire.chat import ChatMessage
from tropism.wire.feedback import FeedbackKeyCreate, FeedbackKeyLink, MetricFeedbackCreate
from tropism.wire.models import AttachModel
from tropism.wire.use_cases import UseCaseCreate

ROUNDS = 30


@dataclass(frozen=True)
class Did:
    """Whether a write ended the test, and whether it made another model the default."""

    ended: bool = False
    promoted: bool = False


@dataclass(frozen=True)
class State:
    """A test as one engine sees it."""

    status: str
    report: ABReport
    default: str
    looks: int


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[list[Database[Snapshot]]]:
    url = f"sqlite:///{tmp_path / 'tropism.db'}"
    opened = [Database(url, Clock(), snapshot.load, snapshot.version) for _ in range(2)]
    for each in opened:
        await each.open()
    await opened[0].write(SYSTEM, found)
    yield opened
    for each in opened:
        await each.close()


def found(transaction: Writing) -> None:
    """A use case with two models and a key."""
    transaction.run(insert(team).values(id=transaction.new_id(), key="default", name="Default"))
    use_cases.create(transaction, UseCaseCreate(key="support"))
    keys.register(transaction, FeedbackKeyCreate(key="solved", kind="bool"))
    keys.link(transaction, FeedbackKeyLink(feedback_key="solved", use_case="support"))
    for key in ("old", "new"):
        service.add_built_in(transaction, key=key, engine="echo", name=key, kind="Generation")
        attachments.attach(transaction, AttachModel(use_case="support", model=key))


def start(transaction: Writing, key: str) -> tuple[UUID, list[UUID]]:
    """A test that lacks one feedback on `new` to be decided for it, and four completions to give it to."""
    attachments.attach(transaction, AttachModel(use_case="support", model="old", make_default=True))
    request = ABTestCreate(
        use_case="support", ab_test_key=key, feedback_key="solved", models=["old", "new"], auto_deploy=True
    )
    test = ab_tests.create(transaction, request)
    for position, values in ((0, [0.0] * 190 + [1.0] * 10), (1, [0.0] * 4 + [1.0] * 45)):
        sums = Sums.of(Unit(1, value) for value in values)
        where = (ab_variant.c.ab_test_id == test.id, ab_variant.c.position == position)
        transaction.run(update(ab_variant).where(*where).values(sums=sums.row()))
    transaction.run(update(ab_test).where(ab_test.c.id == test.id).values(reference=0.0))
    asked = [completion(transaction, test.id, name) for name in ["new"] * 4]
    records.store(transaction, asked)
    assignment.count(transaction, asked)
    return test.id, [record.id for record in asked]


def completion(transaction: Writing, test_id: UUID, name: str) -> Record:
    id = transaction.new_id()
    return Record(
        id=id,
        use_case_id=use_cases.find(transaction, "support").id,
        model_id=service.find(transaction, name).id,
        session_id=id,
        ab_test_id=test_id,
        ab_unit=id,
        source="LIVE",
        messages=[ChatMessage(role="user", content="Hello")],
        completion="Hi",
    )


def log(transaction: Writing, test_id: UUID, completion_id: UUID) -> Did:
    """Log a feedback, as the route does."""
    before = standing(transaction, test_id)
    _, change = feedback.log_metric(
        transaction, MetricFeedbackCreate(metric="solved", value=1, completion_id=completion_id)
    )
    counting.count_value(transaction, change)
    return compared(before, standing(transaction, test_id))


def cancel(transaction: Writing, test_id: UUID) -> Did:
    before = standing(transaction, test_id)
    try:
        ab_tests.cancel(transaction, ABTestReference(ab_test=str(test_id)))
    except Conflict:
        return Did()
    return compared(before, standing(transaction, test_id))


def standing(session: Reading, test_id: UUID) -> tuple[bool, UUID | None]:
    used = use_cases.find(session, "support").id
    return lifecycle.running(session, test_id) is not None, attachments.default_of(session, used)


def compared(before: tuple[bool, UUID | None], after: tuple[bool, UUID | None]) -> Did:
    return Did(ended=before[0] and not after[0], promoted=before[1] != after[1])


def state(session: Reading, test_id: UUID) -> State:
    test = ab_tests.get(session, ABTestReference(ab_test=str(test_id)))
    default = session.value(select(model.c.key).join(attachment).where(attachment.c.is_default))
    looks = session.value(select(func.count()).select_from(ab_look).where(ab_look.c.ab_test_id == test_id))
    return State(test.status, test.report, default, looks)


async def test_two_deciding_feedbacks_end_a_test_once(replicas: list[Database[Snapshot]]) -> None:
    """Each engine gets two feedbacks, any of which decides. One is counted, the others come after the end."""
    one, other = replicas
    for turn in range(ROUNDS):
        id, completions = await one.write(SYSTEM, start, f"t{turn}")
        engines = (one, other, other, one) if turn % 2 else (other, one, one, other)
        done = await asyncio.gather(
            *(engine.write(SYSTEM, log, id, each) for engine, each in zip(engines, completions, strict=True))
        )
        assert [sum(each.ended for each in done), sum(each.promoted for each in done)] == [1, 1]
        seen = [await each.read(SYSTEM, state, id) for each in replicas]
        assert seen[0] == seen[1]
        assert (seen[0].status, seen[0].report.winner, seen[0].default) == ("done", "new", "new")
        assert (seen[0].report.feedbacks, seen[0].looks) == (250, 1)


async def test_a_cancellation_and_a_deciding_feedback_leave_one_end(replicas: list[Database[Snapshot]]) -> None:
    """Whichever comes first stands: a winner that is promoted, or a cancelled test that promotes nobody."""
    one, other = replicas
    ends = set()
    for turn in range(ROUNDS):
        id, completions = await one.write(SYSTEM, start, f"t{turn}")
        work = [other.write(SYSTEM, cancel, id), one.write(SYSTEM, log, id, completions[0])]
        done = await asyncio.gather(*(work if turn % 2 else reversed(work)))
        seen = [await each.read(SYSTEM, state, id) for each in replicas]
        assert seen[0] == seen[1]
        assert sum(each.ended for each in done) == 1
        is_won = seen[0].status == "done"
        assert sum(each.promoted for each in done) == is_won
        assert (seen[0].report.winner, seen[0].default) == (("new", "new") if is_won else (None, "old"))
        assert (seen[0].report.feedbacks, seen[0].looks) == ((250, 1) if is_won else (249, 0))
        ends.add(seen[0].status)
    assert ends <= {"done", "cancelled"}


async def test_the_kept_sums_give_the_kept_report_whatever_is_corrected_later(
    replicas: list[Database[Snapshot]],
) -> None:
    """After the end the log takes corrections and late feedback; report, sums and looks do not."""
    one, other = replicas
    id, completions = await one.write(SYSTEM, start, "t")
    await one.write(SYSTEM, log, id, completions[0])
    ended = await one.read(SYSTEM, state, id)

    def correct(transaction: Writing) -> None:
        for each in completions:
            request = MetricFeedbackCreate(metric="solved", value=0, completion_id=each)
            _, change = feedback.log_metric(transaction, request)
            counting.count_value(transaction, change)

    await other.write(SYSTEM, correct)
    assert await one.read(SYSTEM, state, id) == ended
    again = await other.read(SYSTEM, looked_at_again, id)
    assert again == ended.report


def looked_at_again(session: Reading, test_id: UUID) -> ABReport:
    """The report made from the kept sums, as it was made at the end."""
    test = session.row(select(ab_test).where(ab_test.c.id == test_id))
    assert test is not None
    return figures.report(figures.look(session, test), "winner", state(session, test_id).report.end_date)

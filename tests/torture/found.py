"""Whether all that was acknowledged is there, whole and once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from tests.torture.acknowledged import Acknowledged

from tropism.server.clock import Clock
from tropism.server.database.engines import only_reading
from tropism.server.database.session import Reading
from tropism.server.domains.datasets import files
from tropism.server.identity.principal import SYSTEM
from tropism.server.settings import Settings
from tropism.server.tables.ab_tests import ab_test
from tropism.server.tables.datasets import dataset, dataset_file
from tropism.server.tables.evaluation import evaluation, evaluation_answer
from tropism.server.tables.feedback import comparison, feedback
from tropism.server.tables.interactions import interaction, interaction_body, interaction_deletion
from tropism.server.tables.jobs import job

from tests.torture.recount import recount  # isort: skip


def check(url: str, data: Path, acknowledged: Acknowledged, *, at_rest: bool) -> None:
    """Look at one moment of the database; `at_rest`, nothing is under way any more."""
    engine = only_reading(url)
    try:
        with engine.connect() as connection:
            session = Reading(connection, SYSTEM, Clock())
            _check_completions(session, acknowledged)
            _check_feedback(session, acknowledged)
            _check_datasets(session, data, acknowledged, at_rest=at_rest)
            _check_jobs(session, acknowledged, at_rest=at_rest)
            _check_deletions(session, acknowledged, at_rest=at_rest)
            recount(session)
    finally:
        engine.dispose()


def is_at_rest(url: str) -> bool:
    """Whether nothing is under way any more."""
    engine = only_reading(url)
    try:
        with engine.connect() as connection:
            jobs = "SELECT count(*) FROM job WHERE status IN ('PENDING', 'RUNNING')"
            deletions = "SELECT count(*) FROM interaction_deletion WHERE ended_ms IS NULL"
            return not any(connection.exec_driver_sql(each).scalar() for each in (jobs, deletions))
    finally:
        engine.dispose()


def _check_completions(session: Reading, acknowledged: Acknowledged) -> None:
    logged = {
        row.id: row.completion for row in session.rows(select(interaction_body.c.id, interaction_body.c.completion))
    }
    assert not {id for id, text in acknowledged.completions.items() if logged.get(id) != text}
    by_text: dict[str, list[UUID]] = {}
    for id, text in logged.items():
        by_text.setdefault(text, []).append(id)
    for key, id in acknowledged.repeated.items():
        assert by_text[key] == [id], "a call with an idempotency key was carried out twice"
    for key in acknowledged.unanswered:
        assert len(by_text.get(key, ())) <= 1
    tests = {row.key for row in session.rows(select(ab_test.c.key))}
    assert acknowledged.tests <= tests


def _check_feedback(session: Reading, acknowledged: Acknowledged) -> None:
    rows = session.rows(select(feedback.c.completion_id, feedback.c.user_id, feedback.c.value))
    stored = {(row.completion_id, row.user_id): row.value for row in rows}
    certain = {rated: value for rated, value in acknowledged.values.items() if rated not in acknowledged.unsure}
    assert {rated: stored.get(rated) for rated in certain} == certain
    assert set(acknowledged.values) <= set(stored)
    pairs = {row.id: (row.preferred_id, row.other_id) for row in session.rows(select(comparison))}
    assert {id: pairs.get(id) for id in acknowledged.preferences} == acknowledged.preferences
    assert len(set(pairs.values())) == len(pairs), "a preference was stored twice"


def _check_datasets(session: Reading, data: Path, acknowledged: Acknowledged, *, at_rest: bool) -> None:
    rows = {row.id: row for row in session.rows(select(dataset))}
    known = {row.id for row in session.rows(select(dataset_file.c.id))}
    settings = Settings(data=data)
    there = {UUID(file.name.partition(".")[0]) for file in (data / "datasets").glob("*")}
    assert set(rows) <= there, "a dataset has no file"
    if at_rest:
        assert there <= known, "a file of which nobody knows"
    for id, questions in acknowledged.datasets.items():
        assert rows[id].lines == len(questions)
        assert [line.messages[0].content for line in files.lines(settings, id)] == questions


def _check_jobs(session: Reading, acknowledged: Acknowledged, *, at_rest: bool) -> None:
    """Each is there; one that is done was done once: an answer each, and a score each."""
    rows = {row.id: row for row in session.rows(select(job))}
    assert acknowledged.jobs <= set(rows)
    done = [row for row in rows.values() if row.status == "COMPLETED"]
    assert not at_rest or len(done) == len(rows), {row.id: row.error for row in rows.values()}
    assert not [row.error for row in rows.values() if row.status in ("FAILED", "CANCELED")]
    for row in done:
        evaluated = session.row(select(evaluation).where(evaluation.c.job_id == row.id))
        assert evaluated is not None
        answers = session.rows(select(evaluation_answer).where(evaluation_answer.c.job_id == row.id))
        assert Counter(each.status for each in answers) == {"scored": 12}
        scores = session.rows(
            select(feedback.c.value)
            .join(interaction, interaction.c.id == feedback.c.completion_id)
            .where(feedback.c.feedback_key_id == evaluated.feedback_key_id)
            .where(interaction.c.id.in_([each.completion_id for each in answers]))
        )
        assert len(scores) == 12, "a score was logged twice, or never"
        assert all(stage["status"] == "COMPLETED" for stage in row.stages)


def _check_deletions(session: Reading, acknowledged: Acknowledged, *, at_rest: bool) -> None:
    rows = {row.id: row for row in session.rows(select(interaction_deletion))}
    assert set(acknowledged.deletions) <= set(rows)
    ended = [id for id in acknowledged.deletions if rows[id].ended_ms is not None]
    assert not at_rest or len(ended) == len(acknowledged.deletions)
    gone = {acknowledged.deletions[id] for id in ended}
    for table in (interaction, interaction_body):
        assert not gone & {row.id for row in session.rows(select(table.c.id))}

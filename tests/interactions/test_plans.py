"""How SQLite finds the first page: by an index, never by looking at every row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import Connection, create_engine, event, select

from tropism.server.clock import Clock
from tropism.server.database.migrate import migrate
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.interactions import queries
from tropism.server.domains.interactions.records import Record, store
from tropism.server.identity.principal import SYSTEM
from tropism.server.tables.access import team
from tropism.server.tables.feedback import feedback, feedback_key
from tropism.server.tables.interactions import interaction
from tropism.server.tables.models import model
from tropism.server.tables.use_cases import use_case
from tropism.wire.chat import ChatMessage
from tropism.wire.interactions import InteractionQuery

USE_CASE, OTHER, SESSION = UUID(int=1), UUID(int=2), UUID(int=3)
LOW, FINE = {"value": 0.0, "reason": "late"}, {"value": 1.0, "reason": None}
MODEL: dict[str, Any] = {"name": "m", "kind": "Generation", "engine": "echo", "compute_config": {}}
STATE: dict[str, Any] = {"deployed": False, "attempt": 0, "online": "OFFLINE"}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Connection]:
    """A migrated database with a few hundred rows of two use cases."""
    engine = create_engine(f"sqlite:///{tmp_path / 'log.db'}")
    migrate(engine)
    with engine.begin() as connection:
        writing = Writing(connection, SYSTEM, Clock())
        writing.run(team.insert().values(id=USE_CASE, key="t", name="t"))
        for id in (USE_CASE, OTHER):
            writing.run(use_case.insert().values(id=id, key=str(id), name="u", team_id=USE_CASE))
        writing.run(model.insert().values(id=USE_CASE, key="m", **MODEL, **STATE))
        store(writing, [_record(i) for i in range(400)])
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _record(i: int) -> Record:
    return Record(
        id=Clock().new_id(),
        use_case_id=(USE_CASE, OTHER)[i % 2],
        session_id=SESSION if i % 10 < 2 else uuid4(),
        source="LIVE",
        messages=[ChatMessage(role="user", content="Q")],
        completion="A",
        user_id=SESSION if i % 10 < 2 else None,
        model_id=USE_CASE if i % 4 < 2 else None,
        labels={"lang": ("de", "en")[i % 3 == 0]},
    )


def _plans(log: Connection, filters: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The statements of the first page, and how each is carried out."""
    statements: list[tuple[str, Any]] = []
    event.listen(log, "before_cursor_execute", lambda *given: statements.append((given[2], given[3])))
    request = msgspec.convert({"use_case": "u", "filters": filters}, InteractionQuery)
    assert queries.page(Reading(log, SYSTEM, Clock()), USE_CASE, request).nodes
    raw = log.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return [(sql, [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {sql}", values)]) for sql, values in statements]


def _rated(log: Connection) -> None:
    """Three hundred values of one metric, each of somebody else; a few are low, with a reason."""
    writing, ids = Writing(log, SYSTEM, Clock()), [row.id for row in log.execute(select(interaction.c.id)).all()]
    key = {"id": USE_CASE, "key": "stars", "name": "stars", "kind": "scalar", "scoring_type": "higher_is_better"}
    writing.run(feedback_key.insert().values(key))
    place = {"use_case_id": USE_CASE, "feedback_key_id": USE_CASE}
    rows = [
        {**place, "id": Clock().new_id(), "completion_id": id, "user_id": SESSION if i == 0 else uuid4(), **given}
        for i, (id, given) in enumerate(zip(ids, [LOW] * 5 + [FINE] * 295, strict=False))
    ]
    writing.run(feedback.insert(), rows)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({"lt": 1}, "ix_feedback_value"),
        ({"user": SESSION}, "ix_feedback_user"),
        ({"reasons": ["late"]}, "ix_feedback_reason"),
    ],
)
def test_rare_feedback_is_found_by_the_index_that_has_it(log: Connection, asked: dict[str, Any], index: str) -> None:
    _rated(log)
    plans = [plan for _, of_one in _plans(log, {"feedbacks": [{"metric": "stars", **asked}]}) for plan in of_one]
    assert any(index in plan for plan in plans), plans
    assert not [plan for plan in plans if "ix_feedback_completion" in plan], "all feedback of the metric is read"


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "ix_interaction_use_case"),
        ({"models": ["m"]}, "ix_interaction_model"),
        ({"session_id": SESSION}, "ix_interaction_session"),
        ({"user_id": SESSION}, "ix_interaction_user"),
        ({"labels": [{"key": "lang", "value": ["de"]}]}, "PRIMARY KEY"),
        ({"timerange": {"from": 1}}, "ix_interaction_use_case"),
    ],
)
def test_the_first_page_is_found_by_an_index(log: Connection, filters: dict[str, Any], index: str) -> None:
    plans: list[str] = []
    for sql, plan in _plans(log, filters):
        if " JOIN interaction ON" in sql:  # candidates are counted: each is looked up by its id
            assert not [each for each in plan if "ix_interaction_use_case" in each], plan
        plans += plan
    of_the_log = [plan for plan in plans if "interaction" in plan]
    assert any(index in plan for plan in of_the_log), plans
    assert not [plan for plan in plans if plan.startswith("SCAN interaction") or plan == "SCAN feedback"], plans

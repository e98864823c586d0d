"""A/B tests: started between attached models, watched, cancelled."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, insert, select

from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.ab_tests import figures, lifecycle
from tropism.server.domains.feedback import keys
from tropism.server.domains.models import attachments
from tropism.server.domains.models import service as models
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, InvalidRequest, NotFound
from tropism.server.references import refers, refuse_id
from tropism.server.tables.ab_tests import ab_test, ab_variant
from tropism.server.tables.feedback import feedback_key
from tropism.server.tables.use_cases import use_case
from tropism.stats.sums import Sums
from tropism.wire import ab_tests as wire


def _selected() -> Select[Any]:
    names = (use_case.c.key.label("use_case"), use_case.c.team_id, feedback_key.c.key.label("feedback_key"))
    return (
        select(ab_test, *names)
        .join(use_case, use_case.c.id == ab_test.c.use_case_id)
        .join(feedback_key, feedback_key.c.id == ab_test.c.feedback_key_id)
    )


def find(session: Reading, reference: str, param: str = "ab_test") -> Row[Any]:
    row = session.row(_selected().where(refers(ab_test, reference)))
    if row is None or not session.principal.sees(row.team_id):
        raise NotFound(f"no A/B test {reference!r}; start it with ab_tests.create({reference!r}, ...)", param=param)
    return row


def find_running(session: Reading, reference: str, use_case_id: UUID) -> Row[Any]:
    """The test, which must run in this use case."""
    test = find(session, reference, param="ab_campaign")
    if test.use_case_id != use_case_id:
        raise InvalidRequest(f"A/B test {test.key!r} belongs to another use case", param="ab_campaign")
    if test.status not in lifecycle.RUNNING:
        raise Conflict(f"A/B test {test.key!r} is {test.status}; start a new one", param="ab_campaign")
    return test


def create(transaction: Writing, request: wire.ABTestCreate) -> wire.ABTest:
    used = use_cases.find(transaction, request.use_case)
    key = keys.find_linked(transaction, request.feedback_key, used.id)
    refuse_id(request.ab_test_key, "ab_test_key")
    if transaction.row(select(ab_test.c.id).where(ab_test.c.key == request.ab_test_key)):
        raise Conflict(f"there is an A/B test {request.ab_test_key!r} already; choose another key", param="ab_test_key")
    variants = _variants(transaction, request.models, used)
    id = transaction.new_id()
    values = {
        "id": id,
        "key": request.ab_test_key,
        "use_case_id": used.id,
        "feedback_key_id": key.id,
        "feedback_type": request.feedback_type,
        "traffic_split": request.traffic_split,
        "auto_deploy": request.auto_deploy,
        "status": "warmup",
        "default_model_id": attachments.default_of(transaction, used.id),
    }
    transaction.run(insert(ab_test).values(**values))
    rows = [
        {"ab_test_id": id, "position": i, "model_id": row.id, "assigned": 0, "sums": Sums().row()}
        for i, row in enumerate(variants)
    ]
    transaction.run(insert(ab_variant), rows)
    transaction.touch()
    return described(transaction, find(transaction, request.ab_test_key))


def _variants(session: Reading, references: list[str], used: Row[Any]) -> list[Row[Any]]:
    """The models to test: different ones, all attached, all of the kind that answers chats."""
    rows = [models.find(session, reference) for reference in references]
    if len({row.id for row in rows}) != len(rows):
        raise InvalidRequest("name each model once", param="models")
    attached = attachments.attached_ids(session, used.id)
    for row in rows:
        if row.id not in attached:
            raise attachments.not_attached(used.key, row.key)
    if len({row.kind for row in rows}) > 1:
        raise InvalidRequest("an embedding model cannot be tested against a generation model", param="models")
    return rows


def list_all(session: Reading, request: wire.ABTestFilter) -> wire.ABTests:
    used = use_cases.find(session, request.use_case)
    statement = _selected().where(ab_test.c.use_case_id == used.id).order_by(ab_test.c.id)
    if request.status is not None:
        statement = statement.where(ab_test.c.status == request.status)
    if request.active is not None:
        running = ab_test.c.status.in_(lifecycle.RUNNING)
        statement = statement.where(running if request.active else ~running)
    return wire.ABTests(ab_tests=[described(session, row) for row in session.rows(statement)])


def get(session: Reading, request: wire.ABTestReference) -> wire.ABTest:
    return described(session, find(session, request.ab_test))


def cancel(transaction: Writing, request: wire.ABTestReference) -> wire.ABTest:
    test = find(transaction, request.ab_test)
    variants = figures.variants_of(transaction, test.id)
    seen = figures.look(transaction, test, variants)
    if not lifecycle.end(transaction, test, variants, seen, "cancelled"):
        raise Conflict(f"A/B test {test.key!r} is {test.status} already", param="ab_test")
    return described(transaction, find(transaction, str(test.id)))


def described(session: Reading, test: Row[Any]) -> wire.ABTest:
    variants = figures.variants_of(session, test.id)
    if test.report is not None:
        report = msgspec.convert(test.report, wire.ABReport)
    else:
        report = figures.report(test, variants, figures.look(session, test, variants), None)
    return wire.ABTest(
        id=test.id,
        key=test.key,
        use_case=test.use_case,
        feedback_key=test.feedback_key,
        feedback_type=test.feedback_type,
        models=[variant.key for variant in variants],
        traffic_split=test.traffic_split,
        auto_deploy=test.auto_deploy,
        status=test.status,
        created_at=time_of(test.id),
        report=report,
    )

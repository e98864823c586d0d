"""A/B tests: started between attached models, watched, cancelled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, Select, insert, select

from tropism.server.clock import EPOCH, milliseconds, time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.ab_tests import figures, guardrails, history, lifecycle
from tropism.server.domains.ab_tests.harms import BUILT_IN, COST, guardrails_of
from tropism.server.domains.feedback import keys
from tropism.server.domains.models import attachments, fallbacks
from tropism.server.domains.models import service as models
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, InvalidRequest, NotFound
from tropism.server.references import refers, refuse_id
from tropism.server.tables.ab_tests import ab_guardrail, ab_test, ab_variant
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
    if row is None or not session.sees(row.team_id, row.use_case_id):
        raise NotFound(f"no A/B test {reference!r}; start it with ab_tests.create({reference!r}, ...)", param=param)
    return row


def create(transaction: Writing, request: wire.ABTestCreate) -> wire.ABTest:
    used = use_cases.find(transaction, request.use_case)
    if request.auto_deploy:
        use_cases.demand(transaction, used, "model:attach", "makes the winner the default model")
    key = keys.find_linked(transaction, request.feedback_key, used.id)
    refuse_id(request.ab_test_key, "ab_test_key")
    if transaction.row(select(ab_test.c.id).where(ab_test.c.key == request.ab_test_key)):
        raise Conflict(f"there is an A/B test {request.ab_test_key!r} already; choose another key", param="ab_test_key")
    variants = _variants(transaction, request.models, used)
    default = attachments.default_of(transaction, used.id)
    watched = _watched(transaction, request, used, key, default in {row.id for row in variants})
    if COST in {each.metric for each in watched}:
        _check_prices(variants)
    if request.shadow and request.feedback_type != "preference":
        raise InvalidRequest("`shadow` is for preference tests: it makes pairs to compare", param="shadow")
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
        "default_model_id": default,
        "min_effect": request.min_effect,
        "max_feedbacks": request.max_feedbacks,
        "expires_ms": milliseconds(transaction.now + timedelta(days=request.max_days)),
        "guardrails": msgspec.to_builtins(watched),
        "shadow": request.shadow,
        "shadow_completions": 0,
        "shadow_prompt_tokens": 0,
        "shadow_completion_tokens": 0,
        "next_look": 0,
    }
    transaction.run(insert(ab_test).values(**values))
    rows = [
        {"ab_test_id": id, "position": i, "model_id": row.id, "sums": Sums().row()}
        | {"assigned": 0, "assigned_units": 0, "errors": 0}
        for i, row in enumerate(variants)
    ]
    transaction.run(insert(ab_variant), rows)
    if counters := guardrails.rows_for(transaction, id, len(variants), watched):
        transaction.run(insert(ab_guardrail), counters)
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
            raise fallbacks.not_attached(used.key, row.key)
    if len({row.kind for row in rows}) > 1:
        raise InvalidRequest("an embedding model cannot be tested against a generation model", param="models")
    return rows


def _watched(
    session: Reading, request: wire.ABTestCreate, used: Row[Any], key: Row[Any], has_default: bool
) -> list[wire.Guardrail]:
    """The guardrails, with their metrics by key."""
    if request.guardrails and not has_default:
        raise InvalidRequest(
            "guardrails compare with the default model: it must be one of `models`", param="guardrails"
        )
    found: list[wire.Guardrail] = []
    for each in request.guardrails:
        name = each.metric
        if name not in BUILT_IN:
            name = keys.find_linked(session, name, used.id, param="guardrails").key
        if name == key.key or name in {other.metric for other in found}:
            raise InvalidRequest(f"{name!r} is counted already; name each guardrail once", param="guardrails")
        found.append(wire.Guardrail(metric=name, tolerance=each.tolerance))
    return found


def _check_prices(variants: list[Row[Any]]) -> None:
    """Each variant must have prices, or nothing would be counted."""
    for row in variants:
        if not (row.engine_prices or row.prices):
            name = row.backbone or row.key
            raise InvalidRequest(
                f"{COST!r} needs the prices of {row.key!r}; give them with models.update_prices({name!r}, ...)",
                param="guardrails",
            )


def history_of(session: Reading, request: wire.ABTestReference) -> wire.History:
    return history.read(session, find(session, request.ab_test))


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
    if not lifecycle.end(transaction, figures.look(transaction, test), "cancelled", "cancelled"):
        raise Conflict(f"A/B test {test.key!r} is {test.status} already", param="ab_test")
    return described(transaction, find(transaction, str(test.id)))


def described(session: Reading, test: Row[Any]) -> wire.ABTest:
    if test.report is not None:
        report = msgspec.convert(test.report, wire.ABReport)
    else:
        report = figures.report(figures.look(session, test), None, None)
    return wire.ABTest(
        id=test.id,
        key=test.key,
        use_case=test.use_case,
        feedback_key=test.feedback_key,
        feedback_type=test.feedback_type,
        models=[variant.variant for variant in report.variants],
        traffic_split=test.traffic_split,
        auto_deploy=test.auto_deploy,
        min_effect=test.min_effect,
        max_feedbacks=test.max_feedbacks,
        expires_at=EPOCH + timedelta(milliseconds=test.expires_ms),
        guardrails=guardrails_of(test),
        shadow=test.shadow,
        status=test.status,
        created_at=time_of(test.id),
        report=report,
    )

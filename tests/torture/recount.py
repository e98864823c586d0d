"""Every counter against a recount of the log, in one transaction: what one write stores, no kill may tear apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row, func, select

from tropism.server.database.session import Reading
from tropism.server.domains.interactions.records import MADE_HERE
from tropism.server.domains.trends.counting import FIRST_TOKEN, HOUR_MS, LATENCY, SEEN
from tropism.server.tables.ab_tests import ab_guardrail, ab_pair, ab_test, ab_unit, ab_variant
from tropism.server.tables.costs import spending, user_spending
from tropism.server.tables.evaluation import evaluation, evaluation_call
from tropism.server.tables.feedback import comparison, feedback
from tropism.server.tables.interactions import interaction, interaction_body, interaction_deletion, interaction_label
from tropism.server.tables.limits import usage_lease, usage_limit
from tropism.server.tables.trends import trend
from tropism.stats.sums import Sums, Unit

NIL = UUID(int=0)


def recount(session: Reading) -> None:
    """Fail if anything that is counted is not what the log says."""
    rows = list(session.rows(select(interaction)))
    _check_parts(session, rows)
    _check_spending(session, rows)
    _check_trends(session, rows)
    _check_limits(session, rows)
    for test in session.rows(select(ab_test)):
        _check_test(session, test, [row for row in rows if row.ab_test_id == test.id])


def _check_parts(session: Reading, rows: list[Row[Any]]) -> None:
    """A row, its body and its labels are there together; feedback speaks of what is there."""
    ids = {row.id for row in rows}
    assert ids == {row.id for row in session.rows(select(interaction_body.c.id))}
    labels = {(row.id, key, value) for row in rows for key, value in (row.labels or {}).items()}
    kept = session.rows(select(interaction_label))
    assert labels == {(row.interaction_id, row.key, row.value) for row in kept}
    assert {row.completion_id for row in session.rows(select(feedback.c.completion_id))} <= ids
    for row in session.rows(select(comparison)):
        assert {row.preferred_id, row.other_id} <= ids


def _check_spending(session: Reading, rows: list[Row[Any]]) -> None:
    """Answers and a judge's calls are paid for once. What is deleted was spent all the same."""
    ended = interaction_deletion.c
    by_use_case = select(ended.use_case_id, func.sum(ended.deleted).label("number")).group_by(ended.use_case_id)
    deleted = {row.use_case_id: row.number for row in session.rows(by_use_case)}
    made = [row for row in rows if row.source in MADE_HERE]
    called = session.rows(
        select(evaluation_call, evaluation.c.use_case_id, evaluation.c.judge_model_id).join(evaluation)
    )
    for table, name in ((spending, "model_id"), (user_spending, "user_id")):
        paid: list[tuple[Any, Row[Any]]] = [((row.use_case_id, getattr(row, name) or NIL), row) for row in made]
        by_judge = name == "model_id"
        paid += [((row.use_case_id, row.judge_model_id if by_judge else NIL), row) for row in called]
        counted: dict[Any, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
        for place, row in paid:
            requests, read, written = counted[place]
            counted[place] = requests + 1, read + (row.prompt_tokens or 0), written + (row.completion_tokens or 0)
        place_of = (table.c.use_case_id, table.c[name])
        sums = [func.sum(table.c[each]) for each in ("requests", "prompt_tokens", "completion_tokens")]
        found: list[tuple[Any, ...]] = [
            tuple(row) for row in session.rows(select(*place_of, *sums).group_by(*place_of))
        ]
        kept = {row[:2]: row[2:] for row in found}
        assert {place: n for place, n in kept.items() if place[0] not in deleted} == {
            place: n for place, n in counted.items() if place[0] not in deleted
        }
        for use_case, number in deleted.items():
            there = sum(n[0] for place, n in counted.items() if place[0] == use_case)
            assert sum(n[0] for place, n in kept.items() if place[0] == use_case) == number + there


def _check_trends(session: Reading, rows: list[Row[Any]]) -> None:
    deleted = {row[0] for row in session.rows(select(interaction_deletion.c.use_case_id).distinct())}
    counted: dict[Any, list[float]] = defaultdict(list)
    known = {row.id: row for row in rows if row.source in SEEN}
    for row in known.values():
        if row.finish_reason != "cancelled":
            for metric, value in ((LATENCY, row.latency_ms), (FIRST_TOKEN, row.first_token_ms)):
                if value is not None:
                    counted[_hour(row, metric)].append(value)
    for given in session.rows(select(feedback)):
        if given.completion_id in known:
            counted[_hour(known[given.completion_id], str(given.feedback_key_id))].append(given.value)
    kept = {tuple(row[:4]): row for row in session.rows(select(trend)) if row.use_case_id not in deleted}
    assert {place: row.number for place, row in kept.items()} == {
        place: len(values) for place, values in counted.items() if place[0] not in deleted
    }
    for place, row in kept.items():
        for power, total in ((1, row.total), (2, row.squares), (3, row.cubes)):
            assert total == pytest.approx(sum(value**power for value in counted[place]), rel=1e-6, abs=1e-6)


def _hour(row: Row[Any], metric: str) -> tuple[Any, ...]:
    return (row.use_case_id, metric, (row.id.int >> 80) // HOUR_MS, row.model_id or NIL)


def _check_limits(session: Reading, rows: list[Row[Any]]) -> None:
    """Of a use case's limits: its tokens, by all processes that ever ran, are those of its answers."""
    for limit in session.rows(select(usage_limit).where(usage_limit.c.measure == "tokens")):
        used = session.value(select(func.sum(usage_lease.c.used)).where(usage_lease.c.limit_id == limit.id))
        made = [row for row in rows if row.use_case_id == limit.subject_id and row.source == "LIVE"]
        assert (used or 0) == sum((row.prompt_tokens or 0) + (row.completion_tokens or 0) for row in made)


def _check_test(session: Reading, test: Row[Any], logged: list[Row[Any]]) -> None:
    """The counters of a running test are the log's; those of one that has ended were, and its report says so."""
    variants = list(session.rows(select(ab_variant).where(ab_variant.c.ab_test_id == test.id)))
    position = {row.model_id: row.position for row in variants}
    place = {row.id: position[row.assigned_model_id or row.model_id] for row in logged}
    units = list(session.rows(select(ab_unit).where(ab_unit.c.ab_test_id == test.id)))
    running = test.status in ("warmup", "in_progress")
    assert running == (test.report is None) == (test.ended_ms is None)
    answers = [row for row in logged if row.source != "AUTOMATION"]
    _check_shadows(test, [row for row in logged if row.source == "AUTOMATION"])
    for row in variants:
        mine = [each for each in answers if place[each.id] == row.position]
        assert row.assigned == len(mine) if running else row.assigned <= len(mine)
        if running:
            assert row.assigned_units == len({each.ab_unit for each in mine})
    _check_sums(variants, units)
    if running and test.feedback_type == "metric":
        _check_values(session, test, logged, place, units)
        _check_guardrails(session, test, logged, place)
    if test.feedback_type == "preference":
        _check_pairs(session, test, place)
    if test.report is not None and test.feedback_type == "metric":
        counted = sum(unit.feedbacks for unit in units if unit.other == -1)
        assert test.report["feedbacks"] == counted == sum(int(row.sums[1]) for row in variants)


def _check_shadows(test: Row[Any], shadows: list[Row[Any]]) -> None:
    """What was answered only to be compared is no assignment, and is paid for all the same, also when the test ends."""
    assert test.shadow_completions == len(shadows)
    for tokens in ("prompt_tokens", "completion_tokens"):
        assert getattr(test, f"shadow_{tokens}") == sum(getattr(row, tokens) or 0 for row in shadows)


def _check_sums(variants: list[Row[Any]], units: list[Row[Any]]) -> None:
    """The sums of a variant are those of its units."""
    for row in variants:
        mine = [
            Unit(u.feedbacks, u.total) for u in units if (u.position, u.other) == (row.position, -1) and u.feedbacks
        ]
        assert Sums(*row.sums) == Sums.of(mine)  # whole numbers: exact


def _check_values(
    session: Reading, test: Row[Any], logged: list[Row[Any]], place: dict[UUID, int], units: list[Row[Any]]
) -> None:
    unit = {row.id: row.ab_unit for row in logged}
    counted: dict[Any, list[float]] = defaultdict(list)
    for row in session.rows(select(feedback).where(feedback.c.feedback_key_id == test.feedback_key_id)):
        if row.completion_id in place:
            counted[place[row.completion_id], unit[row.completion_id]].append(row.value - test.reference)
    kept = {(u.position, u.unit_id): (u.feedbacks, u.total) for u in units if u.other == -1}
    assert kept == {where: (len(values), sum(values)) for where, values in counted.items()}


def _check_guardrails(session: Reading, test: Row[Any], logged: list[Row[Any]], place: dict[UUID, int]) -> None:
    for row in session.rows(select(ab_guardrail).where(ab_guardrail.c.ab_test_id == test.id)):
        values: dict[UUID, list[float]] = defaultdict(list)
        for each in logged:
            if place[each.id] == row.position and each.latency_ms is not None and each.finish_reason != "cancelled":
                values[each.ab_unit].append(each.latency_ms)
        anew = Sums.of(Unit.of(some, row.reference) for some in values.values())
        assert list(row.sums) == [pytest.approx(each, rel=1e-6, abs=1e-3) for each in anew.row()]


def _check_pairs(session: Reading, test: Row[Any], place: dict[UUID, int]) -> None:
    counted: dict[tuple[int, int], int] = defaultdict(int)
    for row in session.rows(select(comparison).where(comparison.c.ab_test_id == test.id)):
        counted[place[row.preferred_id], place[row.other_id]] += 1
    kept = {(row.position, row.other): (row.wins, row.losses) for row in _pairs(session, test)}
    assert kept == {
        (low, high): (counted[low, high], counted[high, low]) for low, high in {(min(p), max(p)) for p in counted}
    }


def _pairs(session: Reading, test: Row[Any]) -> Iterator[Row[Any]]:
    yield from session.rows(select(ab_pair).where(ab_pair.c.ab_test_id == test.id))

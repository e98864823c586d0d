"""Whole A/B tests over HTTP: simulated users, several at a time; then the figures are rebuilt from the log.

Some users return, some correct themselves, some never answer; feedback comes late and out of order.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest
from tests.ab_tests.test_figures import HELLO, MODELS, default_of, logged

from tropism import AsyncTropism, Tropism
from tropism.stats import (
    Interval,
    PairCounts,
    Plan,
    Report,
    Sums,
    Unit,
    VariantFigures,
    metric_report,
    preference_report,
    sample_ratio,
)
from tropism.testing import RunningServer
from tropism.wire import ab_tests as wire
from tropism.wire.chat import ChatChoice
from tropism.wire.interactions import Interaction

Kind = Literal["bool", "scalar", "preference"]
KINDS: list[Kind] = ["bool", "scalar", "preference"]
NEW, RETURNING, AT_ONCE = 50, 15, 8
MOST_WAVES = 40


@dataclass
class Crowd:
    """Users who ask and give feedback, in which `echo-b` is the better model unless both are even."""

    client: AsyncTropism
    kind: Kind
    test: str
    key: str
    use_case: str
    chance: random.Random
    even: bool
    turns: Counter[str] = field(default_factory=Counter)
    limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    users: list[UUID] = field(default_factory=list)
    late: list[tuple[UUID | None, list[ChatChoice]]] = field(default_factory=list)

    async def wave(self) -> None:
        """New and returning users ask; some of them answer, with some who were asked before, in any order."""
        new = [uuid4() for _ in range(NEW)]
        back = self.chance.sample(self.users, min(RETURNING, len(self.users)))
        self.users += new
        askers: list[UUID | None] = [user if self.chance.random() < 0.9 else None for user in new]
        answers = await self.at_once(self.ask(user) for user in [*askers, *back])
        willing = [answer for answer in answers if self.chance.random() < 0.8]
        waiting = [*self.late, *willing]
        self.chance.shuffle(waiting)
        now, self.late = waiting[: len(waiting) * 3 // 4], waiting[len(waiting) * 3 // 4 :]
        await self.at_once(self.judge(*answer) for answer in now)
        for answer in self.chance.sample(now, len(now) // 8):
            # A correction replaces what the log says, so it must not come after the end, which no log would show.
            if not await self.is_running():
                return
            await self.judge(*answer)

    async def at_once(self, calls: Iterable[Awaitable[Any]]) -> list[Any]:
        async def bounded(call: Awaitable[Any]) -> Any:
            async with self.limit:
                return await call

        return await asyncio.gather(*(bounded(call) for call in calls))

    async def ask(self, user: UUID | None) -> tuple[UUID | None, list[ChatChoice]]:
        n = 2 if self.kind == "preference" else None
        answer = await self.client.chat.create(HELLO, user=user, n=n, use_case=self.use_case)
        return user, answer.choices

    async def judge(self, user: UUID | None, choices: list[ChatChoice]) -> None:
        if self.kind == "preference":
            worse, better = sorted(choices, key=lambda choice: choice.model)
            if not self.pleases("echo-b"):
                better, worse = worse, better
            tie = self.chance.choice(["good", "bad"]) if self.chance.random() < 0.2 else None
            ids = (better.completion_id, worse.completion_id)
            await self.client.feedback.log_preference(self.key, *ids, user=user, tied=tie, use_case=self.use_case)  # type: ignore[arg-type]
            return
        pleased = self.pleases(choices[0].model)
        value = pleased if self.kind == "bool" else self.chance.gauss(4 if pleased else 2, 0.5)
        await self.client.feedback.log_metric(value, choices[0].completion_id, self.key, user=user)

    def pleases(self, model: str) -> bool:
        """By chance, in favour of `echo-b`; between even models in turn, so that no luck ends the test."""
        if self.even:
            self.turns[model] += 1
            return self.turns[model] % 2 == 0
        return self.chance.random() < {"echo-a": 0.45, "echo-b": 0.62}[model]

    async def is_running(self) -> bool:
        return (await self.client.ab_tests.get(self.test)).status in ("warmup", "in_progress")


async def run(server: RunningServer, kind: Kind, use_case: str, *, cancelled: bool) -> Crowd:
    """A test from its beginning to its end: by itself with auto_deploy, or cancelled amid a wave of feedback."""
    key = f"{use_case}-{'stars' if kind == 'scalar' else 'thumbs'}"
    async with AsyncTropism(server.base_url, server.api_key) as client:
        crowd = Crowd(client, kind, f"{use_case}-t", key, use_case, random.Random(f"{kind} {cancelled}"), cancelled)
        feedback_type: wire.FeedbackType = "preference" if kind == "preference" else "metric"
        await client.ab_tests.create(
            crowd.test, key, MODELS, feedback_type=feedback_type, auto_deploy=not cancelled, use_case=use_case
        )
        if cancelled:
            for _ in range(4):  # after three, each hundredth test had a variant that too few users were given
                await crowd.wave()
            answers = await crowd.at_once(crowd.ask(uuid4()) for _ in range(40))
            middle: list[Awaitable[Any]] = [crowd.judge(*answer) for answer in answers]
            await crowd.at_once([*middle[:20], client.ab_tests.cancel(crowd.test), *middle[20:]])
        for _ in range(MOST_WAVES):
            if not await crowd.is_running():
                return crowd
            await crowd.wave()
    raise AssertionError("the test should have ended by now")


def unit_of(interaction: Interaction, user: UUID | None) -> UUID:
    return user or interaction.user or interaction.id


def rebuilt(kind: Kind, log: list[Interaction], counted: int) -> Report:
    """The report on the first `counted` feedbacks of the log: ids rise with time, and what came later never counted."""
    if kind == "preference":
        return preference_report(2, {(0, 1): pairs_of(log, counted)}, Plan(), default=0, names=MODELS)
    given = sorted(((each, of) for of in log for each in of.direct_feedbacks), key=lambda pair: pair[0].id)[:counted]
    reference = given[0][0].value if kind == "scalar" else 0.0
    values: dict[str, dict[UUID, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each, of in given:
        values[of.model or ""][unit_of(of, None)].append(each.value)
    sums = [Sums.of(Unit.of(unit, reference) for unit in values[model].values()) for model in MODELS]
    plan = Plan(kind="bool") if kind == "bool" else Plan(reference=reference)
    return metric_report(sums, plan, default=0, names=MODELS)


def pairs_of(log: list[Interaction], counted: int) -> PairCounts:
    """Comparisons as the first model sees them, with each user's wins less losses."""
    of = {each.id: each for each in log}
    given = {each.id: each for interaction in log for each in interaction.comparison_feedbacks}
    counts: Counter[str] = Counter()
    users: dict[UUID, list[float]] = defaultdict(list)
    for id in sorted(given)[:counted]:
        each = given[id]
        preferred, other = of[each.preferred_completion_id], of[each.other_completion_id]
        won = 1 if preferred.model == MODELS[0] else -1
        counts[f"ties_{each.tied}" if each.tied else "wins" if won > 0 else "losses"] += 1
        if each.tied is None:
            users[each.user or preferred.user or min(preferred.id, other.id)].append(won)
    return PairCounts(**counts, users=Sums.of(map(Unit.of, users.values())))


def figures(seen: wire.ABReport | Report) -> dict[str, Any]:
    """The figures that a report has, by name, whether it came over HTTP or from `stats`."""
    found: dict[str, Any] = {"p": seen.p_value, "feedbacks": seen.feedbacks, "progress": seen.progress}
    variants: Sequence[wire.VariantReport | VariantFigures] = seen.variants
    for i, variant in enumerate(variants):
        found |= {f"feedbacks {i}": variant.feedbacks, f"units {i}": variant.units}
        found |= ends(f"mean {i}", variant.interval)
    if isinstance(seen, Report):
        pairs = [(each.variant, each.effect, each.lift) for each in seen.comparisons]
    else:
        pairs = [(i, each.difference, each.lift) for i, v in enumerate(seen.variants) for each in v.comparisons]  # type: ignore[misc]
    for i, effect, lift in pairs:
        found |= {f"lift {i}": lift} | ends(f"difference {i}", effect)
    return {name: value for name, value in found.items() if value is not None}


def ends(name: str, interval: wire.Interval | Interval | None) -> dict[str, float | None]:
    names = ("start", "middle", "end")
    return {f"{name} {end}": None if interval is None else getattr(interval, end) for end in names}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_test_ends_with_the_figures_that_its_log_gives(
    server: RunningServer, client: Tropism, use_case: str, kind: Kind
) -> None:
    crowd = await run(server, kind, use_case, cancelled=False)
    done, log = client.ab_tests.get(crowd.test), list(logged(client, use_case, crowd.test))
    expected = rebuilt(kind, log, done.report.feedbacks)
    assert figures(done.report) == pytest.approx(figures(expected), rel=1e-8)
    assert (done.status, done.report.outcome, expected.decision) == ("done", "winner", "winner")
    assert expected.winner is not None
    assert done.report.winner == MODELS[expected.winner] == default_of(client, use_case)
    assert done.report.summary == expected.sentence
    assert client.ab_tests.history(crowd.test)[-1].p_value == done.report.p_value


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancelled_test_keeps_the_figures_of_that_moment(
    server: RunningServer, client: Tropism, use_case: str, kind: Kind
) -> None:
    crowd = await run(server, kind, use_case, cancelled=True)
    ended, log = client.ab_tests.get(crowd.test), list(logged(client, use_case, crowd.test))
    given = {each.id for of in log for each in of.direct_feedbacks}
    given |= {each.id for of in log for each in of.comparison_feedbacks}
    assert 20 <= ended.report.feedbacks < len(given)
    assert ended.report.has_enough_feedbacks
    assert figures(ended.report) == pytest.approx(figures(rebuilt(kind, log, ended.report.feedbacks)), rel=1e-8)
    assert (ended.status, ended.report.outcome, ended.report.winner) == ("cancelled", "cancelled", None)
    assert default_of(client, use_case) == "echo-a"


async def test_who_was_assigned_is_counted_by_user_whether_or_not_they_answer(
    server: RunningServer, client: Tropism, use_case: str
) -> None:
    crowd = await run(server, "bool", use_case, cancelled=True)
    report, log = client.ab_tests.get(crowd.test).report, list(logged(client, use_case, crowd.test))
    units = [{unit_of(each, None) for each in log if each.model == model} for model in MODELS]
    assert [variant.assigned for variant in report.variants] == [
        sum(each.model == model for each in log) for model in MODELS
    ]
    assert [variant.assigned_units for variant in report.variants] == [len(each) for each in units]
    assert not units[0] & units[1]
    assert report.sample_ratio.p_value == pytest.approx(sample_ratio([len(each) for each in units]).p_value)

"""Users who compare again and again: their preferences are no independent coins."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity import batch
from benchmarks.ab_validity.batch import BatchSums
from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.preferences import Table
from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.stream import TESTS, Endings
from benchmarks.ab_validity.table import markdown, rate
from benchmarks.ab_validity.users import USERS, clustered_sums, nothing
from tropism.stats import PairCounts, Plan, Sums, Unit, preference_report
from tropism.stats.warmup import FEWEST_UNITS


def voters(size: Size, seed: int, goals: Goals) -> str:
    rows, tests = [], -(-size.users // TESTS) * TESTS
    for icc, each in ((0.1, 5), (0.1, 20), (0.3, 5), (0.3, 20)):
        hits = [int(np.sum(end.looks > 0)) for end in _run(icc, each, size, seed + 13).values()]
        goals.rate("false winners, users who compare often, %", hits[0], tests, 5, f"ICC {icc:g}, {each} each")
        rows.append([f"{icc:g}", str(each), *(rate(count, tests) for count in hits)])
    return markdown(
        "False winners by preference among users who compare often, % of tests",
        ["correlation within a user", "comparisons per user", "Tropism", "the same, per comparison"],
        rows,
        f"{size.feedbacks // 2:,} decisive comparisons per test, {tests:,} tests per row, equal variants, a look after "
        "every comparison.",
    )


def _run(icc: float, each: int, size: Size, seed: int) -> dict[str, Endings]:
    endings, table = {"users": Endings.none(0), "single": Endings.none(0)}, Table(size.feedbacks)
    for part in np.random.SeedSequence(seed).spawn(-(-size.users // TESTS)):
        random, group = np.random.default_rng(part), {name: Endings.none(TESTS) for name in endings}
        carry, spread = nothing(), 1 / icc - 1
        for first in range(1, size.feedbacks // 2 + 1, USERS * each):
            chance = random.beta(spread / 2, spread / 2, (TESTS, USERS, 1))
            votes = np.where(random.random((TESTS, USERS, each)) < chance, 1.0, -1.0)
            sums, carry = clustered_sums(votes, np.ones_like(votes), carry)
            exact = _exact(sums, table)
            group["users"].note(first, np.where(over_users(sums) & (exact >= 0), exact, -1))
            group["single"].note(first, exact)
        endings = {name: endings[name] + group[name] for name in endings}
    return endings


def _exact(sums: BatchSums, table: Table) -> NDArray[np.int64]:
    wins, losses = ((sums.n + sign * sums.s) / 2 for sign in (1, -1))
    value = table.log_e(wins.round().astype(np.int64), losses.round().astype(np.int64))
    return np.where((value >= log(1 / Plan().alpha)) & (sums.n >= 20), np.where(sums.s > 0, 0, 1), -1)


def over_users(sums: BatchSums) -> NDArray[np.bool_]:
    """Whether the test with the user as the unit is significant too."""
    plan = Plan()
    with np.errstate(all="ignore"):
        value = replace(batch.mean_gap(batch.moments(sums)), pooled=np.sqrt(sums.ss) / sums.n)
        critical = batch.critical_z(plan.alpha, plan.tuning / 2, value.information)
        return np.asarray((sums.units >= FEWEST_UNITS) & (np.abs(value.z_score()) >= critical))


def check(states: int, seed: int) -> int:
    """Compare with the report on random states; the number of those with a winner."""
    random, table, found = np.random.default_rng(seed), Table(5000), 0
    for _ in range(states):
        lean, units = random.uniform(0.3, 0.7), []
        for each in random.integers(2, 9, int(random.integers(50, 250))):
            wins = int(random.binomial(each, random.beta(4 * lean, 4 * (1 - lean))))
            units.append(Unit(int(each), float(2 * wins - each)))
        sums = Sums.of(units)
        wins = (sums.n + round(sums.s)) // 2
        report = preference_report(2, {(0, 1): PairCounts(wins, sums.n - wins, users=sums)}, Plan())
        array = BatchSums(*(np.array([float(x)]) for x in sums.row()))
        named = np.where(over_users(array), _exact(array, table), -1)[0]
        assert named == (-1 if report.winner is None else report.winner), units
        found += report.winner is not None
    return found

"""Are the array formulas those of `tropism.stats`? Compared on random states before any table is made."""

from __future__ import annotations

import numpy as np

from benchmarks.ab_validity.batch import BatchSums, critical_z, gap, has_enough, moments, winners
from tropism.stats import Plan, Sums, Unit, metric_report
from tropism.stats.gap import gap as scalar_gap
from tropism.stats.gap import z_score
from tropism.stats.mixture import critical_z as scalar_critical_z
from tropism.stats.mixture import mixing_variance
from tropism.stats.moments import moments as scalar_moments


def check(states: int, seed: int) -> str:
    """A sentence for the report. Raises AssertionError at the first difference."""
    random = np.random.default_rng(seed)
    won = 0
    for turn in range(states):
        kind = turn % 4
        variants = [_random_sums(random, kind) for _ in range(2 + turn % 3)]
        tuning = float(random.choice([300, 1000, 5000]))
        won += _compare(variants, Plan(kind="scalar" if kind else "bool", tuning=tuning))
    assert 0.05 * states < won < 0.95 * states, "the states fall on one side of the boundary"
    return f"Array formulas equal `tropism.stats` on {states:,} random states ({won:,} of them with a winner)."


def _random_sums(random: np.random.Generator, kind: int) -> Sums:
    total, shift = int(random.integers(20, 300)), random.uniform(0, 1)
    if kind == 0:
        return Sums.of(Unit(1, float(x)) for x in random.random(total) < shift)
    if kind == 1:
        return Sums.of(Unit(1, float(x)) for x in random.normal(shift, 1, total))
    if kind == 2:
        return Sums.of(Unit(1, float(x)) for x in random.lognormal(shift, 0.7, total))
    sizes = random.integers(1, 6, total)
    return Sums.of(Unit(int(n), float(n * x)) for n, x in zip(sizes, random.normal(shift, 1, total), strict=True))


def _batch(sums: Sums) -> BatchSums:
    row = [np.array([float(x)]) for x in sums.row()]
    return BatchSums(*row) if sums.clustered else BatchSums.single(row[1], row[2], row[5], row[9])


def _compare(variants: list[Sums], plan: Plan) -> bool:
    batches = [_batch(sums) for sums in variants]
    report = metric_report(variants, plan)
    each = [moments(batch) for batch in batches]
    assert has_enough(batches, plan.kind == "bool")[0] == report.has_enough_feedbacks
    assert winners(batches, plan)[0] == (-1 if report.winner is None else report.winner)
    mine, other, both = (scalar_moments(s) for s in (variants[1], variants[0], variants[1] + variants[0]))
    scalar = scalar_gap(mine, other, both, both)
    batch = gap(each[1], each[0], moments(batches[0] + batches[1]))
    for null in (0.0, 0.3):
        assert np.isclose(batch.z_score(null)[0], z_score(scalar, null), rtol=1e-9, atol=1e-12)
    kappa = mixing_variance(plan.alpha, plan.tuning) * scalar.information
    critical = critical_z(plan.alpha, plan.tuning, batch.information)[0]
    assert np.isclose(critical, scalar_critical_z(plan.alpha, kappa), rtol=1e-12)
    return report.winner is not None

"""Guardrails: how often a variant that is not worse is flagged, with a look after every value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity import batch
from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.laws import Law, coin, lognormal, normal
from benchmarks.ab_validity.rules import Seen
from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.stream import Look, Setup, run
from benchmarks.ab_validity.table import markdown, rate
from tropism.stats import Plan
from tropism.stats.mixture import critical_z_above, mixing_variance

GRID = np.geomspace(1e-2, 1e4, 400)
LAWS: tuple[Law, ...] = (coin(0.002), coin(0.02), coin(0.3), normal(), lognormal(0.5), lognormal())


def guardrails(size: Size, seed: int, goals: Goals) -> str:
    rows, tests = [], 0
    for law in LAWS:
        cells = []
        for share in (0.5, 0.9):
            setup = Setup([law, law], [share, 1 - share], size.feedbacks)
            ends = run(setup, {"guardrail": Look(Rule(Plan(), law.is_bool))}, size.pairs // 2, seed + 12)["guardrail"]
            hits, tests = int(np.sum(ends.looks > 0)), len(ends.looks)
            goals.rate("false alarms of a guardrail, %", hits, tests, 5, f"{law.name}, {share:.0%} to one")
            cells.append(rate(hits, tests))
        rows.append([law.name, *cells])
    return markdown(
        "False alarms of a guardrail on a variant that is not worse, % of tests",
        ["values", "50 % / 50 %", "90 % / 10 %"],
        rows,
        f"{size.feedbacks:,} values per test, {tests:,} tests per cell, a look after every value.",
    )


class Rule:
    """The one-sided test of the second variant against the first, where higher is worse."""

    def __init__(self, plan: Plan, rates: bool) -> None:
        self.rates, self.rho2 = rates, mixing_variance(2 * plan.alpha, plan.tuning)
        self.bar = np.array([critical_z_above(plan.alpha, float(kappa)) for kappa in GRID])

    def __call__(self, seen: Seen) -> NDArray[np.int64]:
        first, second = seen.variants
        each, merged = [batch.moments(first), batch.moments(second)], batch.moments(first + second)
        value = batch.gap(each[1], each[0], merged)
        critical = np.interp(np.log(self.rho2 * value.information), np.log(GRID), self.bar)
        breached = batch.has_enough([first, second], self.rates) & (value.z_score() >= critical)
        return np.where(breached, 1, -1)

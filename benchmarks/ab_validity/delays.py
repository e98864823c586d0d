"""Feedback that comes late and out of order: one request per tick, each answered after an exponential delay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity import rules
from benchmarks.ab_validity.batch import BatchSums, winners
from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.laws import Floats, Law, coin, lognormal, normal
from benchmarks.ab_validity.rules import Seen
from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.stream import LOOKS, Endings, running
from benchmarks.ab_validity.table import markdown, rate
from tropism.stats import Plan

TESTS = 125
"""Tests that are simulated together: their feedback is sorted by its time as a whole."""
Mean = Callable[[Floats, NDArray[np.bool_]], Floats]
"""Of the delay, as a share of the usual one, by the values and whether they are of the second variant."""


@dataclass(frozen=True, slots=True)
class Case:
    """How late what comes. Where only one variant's delay depends on the value, nothing is promised."""

    name: str
    law: Law
    mean: Mean
    promised: bool = True


CASES = (
    Case("the same for all", coin(0.3), lambda values, second: np.ones_like(values)),
    Case("the same for all", normal(), lambda values, second: np.ones_like(values)),
    Case("the same for all", lognormal(), lambda values, second: np.ones_like(values)),
    Case("one variant's 10 times longer", coin(0.3), lambda values, second: np.where(second, 10.0, 1.0)),
    Case("one variant's 10 times longer", normal(), lambda values, second: np.where(second, 10.0, 1.0)),
    Case("that of a 0 is 10 times longer, for both", coin(0.3), lambda values, second: np.where(values > 0, 1.0, 10.0)),
    Case("grows with the value, for both", lognormal(), lambda values, second: values),
    Case(
        "that of a 0 is 10 times longer, for one only",
        coin(0.3),
        lambda values, second: np.where(second & (values == 0), 10.0, 1.0),
        promised=False,
    ),
)


def delays(size: Size, seed: int, goals: Goals) -> str:
    rows, tests, usual = [], -(-(size.pairs // 2) // TESTS) * TESTS, size.feedbacks / 10
    for case in CASES:
        ends = _run(case, usual, size, seed + 14)
        hits = {name: int(np.sum(end.looks > 0)) for name, end in ends.items()}
        if case.promised:
            claim = "false winners, delayed feedback, %"
            goals.rate(claim, hits["Tropism"], tests, 5, f"{case.law.name}, {case.name}")
        rows.append([case.name, case.law.name, *(rate(each, tests) for each in hits.values())])
    return markdown(
        "False winners between two equal variants whose feedback comes late, % of tests",
        ["delay", "feedback", "Tropism", "t-test, p < .05"],
        rows,
        f"{size.feedbacks:,} requests per test, {tests:,} tests per row, a look after every feedback, as it comes. "
        f"Delays are exponential, in the mean as long as {usual:,.0f} requests take, so that feedback overtakes "
        "feedback; what has not come by the last request is not seen. In the last row the unhappy users of one variant "
        "answer later: the figures compare unlike groups, and no rule that looks at what has come is right.",
    )


def _run(case: Case, usual: float, size: Size, seed: int) -> dict[str, Endings]:
    plan = Plan(kind="bool" if case.law.is_bool else "scalar")
    endings = {name: Endings.none(0) for name in ("Tropism", "t-test")}
    for part in np.random.SeedSequence(seed).spawn(-(-(size.pairs // 2) // TESTS)):
        group = {name: Endings.none(TESTS) for name in endings}
        with np.errstate(all="ignore"):
            for first, seen in _looks(case, usual, size.feedbacks, np.random.default_rng(part)):
                group["Tropism"].note(first, winners(seen.variants, plan))
                group["t-test"].note(first, rules.t_test(seen))
        endings = {name: endings[name] + group[name] for name in endings}
    return endings


def _looks(case: Case, usual: float, total: int, random: np.random.Generator) -> Iterator[tuple[int, Seen]]:
    """The sums after every feedback, in the order in which it comes."""
    shape = (TESTS, total)
    values, second = case.law.draw(random, shape), random.random(shape) < 0.5
    comes = np.arange(total) + random.exponential(1.0, shape) * usual * case.mean(values, second)
    order = np.argsort(comes, axis=1)
    values, in_time = np.take_along_axis(values, order, axis=1), np.take_along_axis(comes <= total, order, axis=1)
    second = np.take_along_axis(second, order, axis=1)
    carry = np.zeros((2, 4, TESTS, 1))
    for start in range(0, total, LOOKS):
        here, variants = slice(start, start + LOOKS), []
        for i, side in enumerate((~second, second)):
            mine = side[:, here] & in_time[:, here]
            sums, carry[i] = running(mine, np.where(mine, values[:, here], 0.0), carry[i], case.law.is_bool)
            variants.append(BatchSums.single(*sums))
        yield start + 1, Seen(variants, case.law.is_bool)

"""Do p, interval, verdict and decision ever disagree? Counted on random states of the report itself."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from benchmarks.ab_validity.goals import Goals
from tropism.stats import PairCounts, Plan, Report, Sums, metric_report, preference_report


def agreement(states: int, seed: int, goals: Goals) -> str:
    random, wrong, winners = np.random.default_rng(seed), 0, 0
    for turn in range(states):
        k = 2 + turn % 4
        report, null = (_preference(random, k), 0.5) if turn % 3 == 0 else (_metric(random, k, turn), 0.0)
        wrong += _disagrees(report, null, turn % 2 == 1 and turn % 3 != 0)
        winners += report.winner is not None
    goals.note("states in which p, interval and decision disagree", wrong, 0, 0, f"{states:,} states")
    return (
        f"p, interval, verdict and decision disagree in {wrong} of {states:,} random states of two to five variants "
        f"({winners:,} with a winner)."
    )


def _metric(random: np.random.Generator, k: int, turn: int) -> Report:
    sums = []
    for _ in range(k):
        total, mean, sd, skewness = int(random.integers(150, 1500)), *random.uniform((-0.3, 0.5, -3), (0.3, 1.5, 3))
        s, m2, m3 = total * mean, total * sd**2, total * sd**3 * skewness
        ss = m2 + s * mean
        sss = m3 + 3 * mean * ss - 2 * s * mean**2
        sums.append(Sums(total, total, s, total, s, ss, total, s, ss, sss))
    return metric_report(sums, Plan(lower_is_better=turn % 2 == 1), default=0)


def _preference(random: np.random.Generator, k: int) -> Report:
    pairs = {}
    for pair in combinations(range(k), 2):
        total = int(random.integers(20, 600))
        wins = int(total * random.uniform(0.35, 0.65))
        pairs[pair] = PairCounts(wins, total - wins, int(random.integers(100)), int(random.integers(100)))
    return preference_report(k, pairs, Plan(), default=0)


def _disagrees(report: Report, null: float, lower_is_better: bool) -> bool:
    if not report.has_enough_feedbacks:
        return False
    for each in report.comparisons:
        if each.effect is None or each.p_value is None:
            return True
        decided = each.p_value <= 0.05
        excluded = not each.effect.start <= null <= each.effect.end
        above = (each.effect.middle > null) != lower_is_better
        verdict = ("better" if above else "worse") if decided else "undecided"
        if decided != excluded or verdict != each.verdict:
            return True
    beats_all = all(each.verdict == "better" for each in report.comparisons if each.variant == report.leader)
    significant = report.p_value is not None and report.p_value <= 0.05
    return not (significant == beats_all == (report.decision == "winner"))

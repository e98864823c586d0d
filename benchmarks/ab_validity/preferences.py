"""Preference tests: false winners between equal models with ties, and what a true preference costs to find."""

from __future__ import annotations

from itertools import combinations
from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.power import error
from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.stream import LOOKS, TESTS, Endings
from benchmarks.ab_validity.table import markdown, rate
from tropism.stats import PairCounts, Plan, plan_preference, preference_report
from tropism.stats.warmup import FEWEST_COMPARISONS
from tropism.stats.win_rate import PRIOR

Counts = NDArray[np.int64]


def preferences(size: Size, seed: int, goals: Goals) -> str:
    rows = []
    for k, ties in ((2, 0.0), (2, 0.3), (2, 0.7), (3, 0.3), (5, 0.3)):
        ends = _run(k, np.full((k, k), 0.5), ties, size.feedbacks // 2, size.pairs, seed + 9)
        cells = [rate(int(np.sum(end.looks > 0)), len(end.looks)) for end in ends.values()]
        rows.append([str(k), f"{ties:.0%}".replace("%", " %"), cells[0], *(cells[1:] if k == 2 else ["", ""])])
        ours = ends["Tropism"].looks
        goals.rate(
            "false winners, preferences, %", int(np.sum(ours > 0)), len(ours), 5, f"{k} variants, {ties:.0%} ties"
        )
    return markdown(
        "False winners by preference between equal variants, % of tests",
        ["variants", "ties", "Tropism", "sign test, p < .05", "Bayes, P > .95"],
        rows,
        f"{size.feedbacks // 2:,} comparisons per test, {size.pairs:,} tests per row, a look after every comparison.",
    )


def preference_power(size: Size, seed: int, goals: Goals) -> str:
    rows = []
    for theta in (0.55, 0.6, 0.7):
        forecast = plan_preference(theta, ties=0.3)
        n80, wins = forecast.fixed_horizon, np.array([[0.5, 1 - theta], [theta, 0.5]])
        end = _run(2, wins, 0.3, int(3.5 * n80), size.power, seed + 10)["Tropism"]
        needed = np.sort(np.where(end.winners == 1, end.looks, np.inf)) / n80
        median, most = needed[len(needed) // 2], needed[int(0.8 * len(needed))]
        expected = f"{forecast.median / n80:.2f} / {forecast.for_80_percent / n80:.2f}"
        wrong = f"{int(np.sum(end.winners == 0))} of {len(end.looks):,}"
        rows.append([f"win rate {theta:g} ({n80:,})", f"{median:.2f} / {most:.2f}", expected, wrong])
        if n80 >= 150:
            goals.note("median / n80 at the planned effect", float(median), error(size), 1.2, f"win rate {theta:g}")
    return markdown(
        "Comparisons until a true preference is found, divided by n80",
        ["true preference (n80, with 30 % ties)", "Tropism", "forecast", "worse won"],
        rows,
        f"Cells: the median, then what four of five tests need. {size.power:,} tests per row.",
    )


def _run(k: int, wins: NDArray[np.float64], ties: float, total: int, tests: int, seed: int) -> dict[str, Endings]:
    """Random pairs are compared; `wins[i, j]` is the chance that i is preferred to j if the two are not tied."""
    names = ("Tropism", "sign", "bayes")
    endings = {name: Endings.none(0) for name in names}
    table = Table(total)
    for part in np.random.SeedSequence(seed).spawn(-(-tests // TESTS)):
        random, group = np.random.default_rng(part), {name: Endings.none(TESTS) for name in names}
        carry = {pair: np.zeros((3, TESTS, 1), dtype=np.int64) for pair in combinations(range(k), 2)}
        pairs = list(carry)
        for first in range(1, total + 1, LOOKS):
            shape = (TESTS, min(LOOKS, total + 1 - first))
            shown, toss, tied = (
                random.integers(len(pairs), size=shape),
                random.random(shape),
                random.random(shape) < ties,
            )
            counts = {}
            for index, (i, j) in enumerate(pairs):
                mine = shown == index
                won, lost = mine & ~tied & (toss < wins[i, j]), mine & ~tied & (toss >= wins[i, j])
                running = np.stack([np.cumsum(x, axis=1) for x in (won, lost, mine & tied)]) + carry[i, j]
                counts[i, j], carry[i, j] = running, running[:, :, -1:]
            group["Tropism"].note(first, winners(counts, k, table))
            if k == 2:
                w, losses, _ = counts[0, 1]
                z = (w - losses) / np.sqrt(np.maximum(w + losses, 1))
                seen = w + losses >= FEWEST_COMPARISONS
                group["sign"].note(first, np.where(seen & (np.abs(z) > 1.96), (z < 0).astype(np.int64), -1))
                posterior = (w - losses) / np.sqrt((w + losses + 3) * 4 * (w + 1) * (losses + 1)) * (w + losses + 2)
                group["bayes"].note(first, np.where(seen & (np.abs(posterior) > 1.645), (z < 0).astype(np.int64), -1))
            if group["Tropism"].looks.all():
                break
        endings = {name: endings[name] + group[name] for name in names}
    return endings


class Table:
    """ln of the exact e-value from a table of ln gamma."""

    def __init__(self, total: int) -> None:
        self.one = np.array([lgamma(PRIOR + i) for i in range(total + 1)])
        self.both = np.array([lgamma(2 * PRIOR + i) - i * log(2) for i in range(total + 1)])

    def log_e(self, wins: Counts, losses: Counts) -> NDArray[np.float64]:
        zero = 2 * self.one[0] - self.both[0]
        return np.asarray(self.one[wins] + self.one[losses] - self.both[wins + losses] - zero)


def winners(counts: dict[tuple[int, int], Counts], k: int, table: Table) -> Counts:
    """The winner that the report names, -1 for none."""
    shape = next(iter(counts.values())).shape[1:]
    seen = np.zeros((k, *shape), dtype=np.int64)
    wins = np.ones((k, *shape), dtype=np.bool_)
    for (i, j), (won, lost, tied) in counts.items():
        seen[[i, j]] += won + lost + tied
        decided = table.log_e(won, lost) >= log(k / 2 / Plan().alpha)
        wins[i] &= decided & (won > lost)
        wins[j] &= decided & (lost > won)
    enough = (seen >= FEWEST_COMPARISONS).all(axis=0)
    return np.where(enough & wins.any(axis=0), wins.argmax(axis=0), -1)


def check(states: int, seed: int) -> int:
    """Compare with the report on random states; the number of those with a winner."""
    random, table, found = np.random.default_rng(seed), Table(2000), 0
    for turn in range(states):
        k = 2 + turn % 2
        raw = {pair: random.integers(0, (120, 80, 60)) for pair in combinations(range(k), 2)}
        report = preference_report(k, {p: PairCounts(int(c[0]), int(c[1]), int(c[2])) for p, c in raw.items()}, Plan())
        named = winners({pair: c.reshape(3, 1, 1) for pair, c in raw.items()}, k, table)[0, 0]
        assert named == (-1 if report.winner is None else report.winner), raw
        found += report.winner is not None
    return found

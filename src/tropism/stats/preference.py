"""The report of a test on preference feedback: comparisons of two variants' answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from tropism.stats.assemble import Pair, assemble
from tropism.stats.inputs import check_default
from tropism.stats.pair_counts import PairCounts
from tropism.stats.plan import Plan
from tropism.stats.report import Interval, Note, Report, VariantFigures
from tropism.stats.sums import Sums
from tropism.stats.warmup import FEWEST_COMPARISONS, FEWEST_UNITS
from tropism.stats.win_rate import win_contrast


def preference_report(
    variants: int,
    pairs: Mapping[Pair, PairCounts],
    plan: Plan,
    *,
    default: int | None = None,
    names: Sequence[str] | None = None,
    users: Sequence[Sums] | None = None,
) -> Report:
    """The report on comparisons among 2 to 10 variants. `pairs[i, j]` counts wins of i over j; either order will do.

    The winner beats every other variant in its own pair, so a cycle of preferences never ends in one. Where every
    comparison stands for itself the tests are exact for every number of comparisons; where a user compares again and
    again the user is the unit, and they hold for many users. `users` are, per variant, the sums over users of n =
    decisive comparisons with any other and s = wins - losses: without them, a user who compares in several pairs counts
    once in each of them in the intervals per variant. Raises ValueError for pairs or users that cannot be.
    """
    plan.pair_alpha(variants)
    check_default(variants, default)
    counts = _both_orders(variants, pairs)
    pooled = [_pooled(counts, i, users) for i in range(variants)]
    clustered = any(each.units.clustered for each in pooled)
    needed = FEWEST_UNITS if clustered else FEWEST_COMPARISONS
    enough = all((each.units.units if clustered else each.total) >= needed for each in pooled)
    order = list(combinations(range(variants), 2))
    return assemble(
        plan,
        values=[_win_rate(each) if each.total else None for each in pooled],
        figures=[_figures(each, plan, enough, clustered) for each in pooled],
        contrasts={pair: win_contrast(counts[pair], plan, variants / 2) for pair in order} if enough else None,
        means=None,
        units=sum(each.total for each in pooled),
        warmup_units=needed,
        notes=_notes(variants, clustered),
        default=default,
        names=names,
        counts=counts,
        units_per_feedback=2,
    )


def _both_orders(variants: int, pairs: Mapping[Pair, PairCounts]) -> dict[Pair, PairCounts]:
    counts = {(i, j): PairCounts() for i in range(variants) for j in range(variants) if i != j}
    for (i, j), seen in pairs.items():
        if (i, j) not in counts:
            raise ValueError(f"({i}, {j}) is not a pair of {variants} variants")
        counts[i, j] += seen
        counts[j, i] += seen.flipped()
    return counts


def _pooled(counts: Mapping[Pair, PairCounts], variant: int, users: Sequence[Sums] | None) -> PairCounts:
    pooled = sum((seen for (i, _), seen in counts.items() if i == variant), PairCounts())
    return pooled if users is None else replace(pooled, users=users[variant])


def _win_rate(counts: PairCounts) -> float:
    return (counts.wins + counts.ties / 2) / counts.total


def _figures(counts: PairCounts, plan: Plan, enough: bool, clustered: bool) -> VariantFigures:
    """Win rate over all opponents, at level 1 - alpha: it depends on who the opponents are."""
    units = counts.units.units if clustered else counts.total
    if not enough:
        return VariantFigures(feedbacks=counts.total, units=units, interval=None)
    contrast = win_contrast(counts, plan, 1.0)
    interval = Interval(0.5 + contrast.low, 0.5 + contrast.middle, 0.5 + contrast.high)
    return VariantFigures(feedbacks=counts.total, units=units, interval=interval)


def _notes(variants: int, clustered: bool) -> list[Note]:
    corrected: list[Note] = ["k_correction"] if variants > 2 else []
    exact: list[Note] = ["clustered_units", "asymptotic"] if clustered else ["exact_counts"]
    return corrected + exact

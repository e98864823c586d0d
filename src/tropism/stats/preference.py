"""The report of a test on preference feedback: comparisons of two variants' answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from tropism.stats.assemble import Pair, assemble, check_default
from tropism.stats.pair_counts import PairCounts, win_contrast
from tropism.stats.plan import Plan
from tropism.stats.report import Interval, Note, Report, VariantFigures
from tropism.stats.warmup import FEWEST_COMPARISONS


def preference_report(
    variants: int,
    pairs: Mapping[Pair, PairCounts],
    plan: Plan,
    *,
    default: int | None = None,
    names: Sequence[str] | None = None,
) -> Report:
    """The report on comparisons among 2 to 10 variants. `pairs[i, j]` counts wins of i over j; either order will do.

    The winner beats every other variant in its own pair, so a cycle of preferences never ends in one. Pair tests are
    exact for every number of comparisons if these are independent. Raises ValueError for pairs that cannot be.
    """
    plan.pair_alpha(variants)
    check_default(variants, default)
    counts = _both_orders(variants, pairs)
    pooled = [_pooled(counts, i) for i in range(variants)]
    enough = all(each.total >= FEWEST_COMPARISONS for each in pooled)
    order = list(combinations(range(variants), 2))
    notes: list[Note] = ["k_correction", "exact_counts"] if variants > 2 else ["exact_counts"]
    return assemble(
        plan,
        values=[_win_rate(each) if each.total else None for each in pooled],
        figures=[_figures(each, plan, enough) for each in pooled],
        contrasts={p: win_contrast(counts[p], plan.alpha, variants / 2) for p in order} if enough else None,
        means=None,
        units=sum(each.total for each in pooled),
        warmup_units=FEWEST_COMPARISONS,
        notes=notes,
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


def _pooled(counts: Mapping[Pair, PairCounts], variant: int) -> PairCounts:
    return sum((seen for (i, _), seen in counts.items() if i == variant), PairCounts())


def _win_rate(counts: PairCounts) -> float:
    return (counts.wins + counts.ties / 2) / counts.total


def _figures(counts: PairCounts, plan: Plan, enough: bool) -> VariantFigures:
    """Win rate over all opponents, at level 1 - alpha: it depends on who the opponents are."""
    contrast = win_contrast(counts, plan.alpha, 1.0)
    interval = Interval(0.5 + contrast.low, 0.5 + contrast.middle, 0.5 + contrast.high)
    return VariantFigures(feedbacks=counts.total, units=counts.total, interval=interval if enough else None)

"""Whether a test goes on, and how it ends: read off the very contrasts that the report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tropism.stats.contrast import Contrast
from tropism.stats.plan import Plan
from tropism.stats.report import Decision

Contrasts = Mapping[tuple[int, int], Contrast]


@dataclass(frozen=True, slots=True)
class Standing:
    """Who leads, how surely, who won, and whether the test is over."""

    leader: int | None
    p_value: float | None
    winner: int | None
    decision: Decision
    better_than_default: tuple[float, ...] | None


def decide(
    plan: Plan, values: Sequence[float | None], contrasts: Contrasts | None, full: bool, default: int | None
) -> Standing:
    """Where the test stands. `contrasts` holds each ordered pair, None in warm-up; `full`: the maximum is reached.

    A winner beats every other variant. Failing that, with min_effect, the test is over when all differences are
    smaller (equivalent) or no challenger can reach it over the default (futile). The best of several that beat the
    default is taken at the maximum, or once no other can be better than it by min_effect. None of the ends without a
    winner can add a false one.
    """
    if contrasts is None:
        leader = _first(range(len(values)), values)
        return Standing(leader, None, None, "max_feedbacks" if full else "continue", None)
    p_best = [max(c.p_better for (i, _), c in contrasts.items() if i == best) for best in range(len(values))]
    leader = min(range(len(values)), key=lambda i: (p_best[i], -_number(values[i]), i))
    p_default = None if default is None else _against_default(len(values), contrasts, default)
    winner, decision = _end(plan, values, contrasts, full, default, leader if p_best[leader] <= plan.alpha else None)
    return Standing(leader, p_best[leader], winner, decision, p_default)


def _end(
    plan: Plan,
    values: Sequence[float | None],
    contrasts: Contrasts,
    full: bool,
    default: int | None,
    best: int | None,
) -> tuple[int | None, Decision]:
    if best is not None:
        return best, "winner"
    if plan.min_effect is not None and all(c.high < plan.min_effect for c in contrasts.values()):
        return None, "equivalent"
    if plan.min_effect is not None and default is not None and _futile(plan.min_effect, contrasts, default):
        return None, "futile"
    promoted = _best_challenger(plan, values, contrasts, default)
    if promoted is not None and (full or _unbeatable(plan, contrasts, promoted)):
        return promoted, "better_than_default"
    return None, "max_feedbacks" if full else "continue"


def _futile(min_effect: float, contrasts: Contrasts, default: int) -> bool:
    return all(c.high < min_effect for (_, other), c in contrasts.items() if other == default)


def _unbeatable(plan: Plan, contrasts: Contrasts, variant: int) -> bool:
    if plan.min_effect is None:
        return False
    return all(c.high < plan.min_effect for (_, other), c in contrasts.items() if other == variant)


def _best_challenger(
    plan: Plan, values: Sequence[float | None], contrasts: Contrasts, default: int | None
) -> int | None:
    if default is None:
        return None
    better = _against_default(len(values), contrasts, default)
    return _first([i for i, p in enumerate(better) if p <= plan.alpha], values)


def _against_default(variants: int, contrasts: Contrasts, default: int) -> tuple[float, ...]:
    return tuple(1.0 if i == default else contrasts[i, default].p_better for i in range(variants))


def _first(variants: Sequence[int], values: Sequence[float | None]) -> int | None:
    seen = [i for i in variants if values[i] is not None]
    return max(seen, key=lambda i: (_number(values[i]), -i), default=None)


def _number(value: float | None) -> float:
    return float("-inf") if value is None else value

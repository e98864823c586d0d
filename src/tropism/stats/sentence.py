"""The state of a test in one plain English sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tropism.stats.plan import Plan
from tropism.stats.report import Comparison, Report

EASILY = 0.5
"""From this p-value on, its figure would only look exact."""


def describe(report: Report, names: Sequence[str], plan: Plan, default: int | None) -> Report:
    """The report with its sentence. `names` are those of the variants. Raises ValueError if one is missing."""
    if len(names) != len(report.variants):
        raise ValueError(f"{len(report.variants)} variants need as many names, not {len(names)}")
    return replace(report, sentence=_sentence(report, names, plan, default))


def _sentence(report: Report, names: Sequence[str], plan: Plan, default: int | None) -> str:
    match report.decision:
        case "winner":
            return _winner(report, names, plan)
        case "better_than_default":
            return _promoted(report, names, plan, default)
        case "equivalent":
            return f"The variants are equivalent: no two differ by {_number(plan.min_effect)} or more."
        case "futile":
            return f"No variant can be better than {_default(names, default)} by {_number(plan.min_effect)} or more."
        case "max_feedbacks":
            return _full(report, names, plan)
        case "continue":
            return _running(report, names, plan)


def _winner(report: Report, names: Sequence[str], plan: Plan) -> str:
    best = names[report.winner or 0]
    others = [each for each in report.comparisons if each.variant == report.winner]
    than = names[others[0].other] if len(others) == 1 else "every other variant"
    effect = f" ({_effect(others[0], report.pair_level)})" if len(others) == 1 else ""
    return f"{best} is better than {than}{effect}; between equal variants {_chance(plan.alpha)}."


def _promoted(report: Report, names: Sequence[str], plan: Plan, default: int | None) -> str:
    best = names[report.winner or 0]
    return (
        f"No variant beats all others, but {best} is better than {_default(names, default)}; between equal variants "
        f"{_chance(plan.alpha)}."
    )


def _full(report: Report, names: Sequence[str], plan: Plan) -> str:
    said = f"The maximum of {plan.max_feedbacks:,} {_units(report)} per variant is reached without a winner"
    if report.leader is None or not report.has_enough_feedbacks:
        return f"{said}."
    return f"{said}: {_lead(report, report.leader, names)}, which is not enough."


def _running(report: Report, names: Sequence[str], plan: Plan) -> str:
    if report.leader is None:
        return "No feedback yet."
    if not report.has_enough_feedbacks:
        fewest = min(each.units for each in report.variants)
        return (
            f"Warming up: {fewest:,} of about {report.warmup_units:,} {_units(report)} needed in the variant with "
            "the fewest."
        )
    return f"No winner yet: {_lead(report, report.leader, names)}, {_explained(report.p_value, plan.alpha)}."


def _lead(report: Report, leader: int, names: Sequence[str]) -> str:
    """Who is in front of whom, the one that is closest behind by the evidence."""
    rival = max(_of(report, leader), key=lambda each: each.p_value or 0.0)
    return f"{names[leader]} leads {names[rival.other]} ({_effect(rival, report.pair_level)})"


def _explained(p_value: float | None, alpha: float) -> str:
    """What chance has to say to a lead that is no victory."""
    if p_value is None or p_value > EASILY:
        return "which chance alone explains easily"
    found, needed = (_number(100 * share) for share in (p_value, alpha))
    return f"and so strong a lead comes up in up to {found} % of tests of equal variants; it takes {needed} % to win"


def _of(report: Report, variant: int) -> list[Comparison]:
    return [each for each in report.comparisons if each.variant == variant]


def _effect(comparison: Comparison, level: float) -> str:
    shown = comparison.effect
    if shown is None:
        return "not shown yet"
    what = "win rate" if comparison.counts else "difference"
    ends = f"{_number(shown.start)} to {_number(shown.end)}"
    return f"{what} {_number(shown.middle)}, {_number(100 * level)} % interval {ends}"


def _chance(alpha: float) -> str:
    return f"such a claim would come up in at most about {_number(100 * alpha)} % of tests, however often one looks"


def _default(names: Sequence[str], default: int | None) -> str:
    return "the default" if default is None else names[default]


def _units(report: Report) -> str:
    if any(each.units != each.feedbacks for each in report.variants):
        return "users or sessions"
    return "feedbacks"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.3g}"

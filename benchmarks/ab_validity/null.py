"""Tests between equal variants: how often each rule ever names a winner."""

from __future__ import annotations

import numpy as np

from benchmarks.ab_validity import rules
from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.laws import coin, lognormal, mostly_zero, normal
from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.stream import Look, Setup, run
from benchmarks.ab_validity.table import markdown, rate
from tropism.stats import Kind, Plan

LAWS = (coin(0.002), coin(0.02), coin(0.3), coin(0.9), normal(), lognormal())
TAILS = (
    (normal(1, 1), lognormal(1.0, mean=1)),
    (lognormal(1.0, mean=1), lognormal(1.5, mean=1)),
    (normal(1, 1), mostly_zero()),
    (lognormal(1.0, mean=1), lognormal(2.0, mean=1)),
)


def two_equal(size: Size, seed: int, goals: Goals) -> str:
    looks = size.feedbacks // 20
    asked = {
        "t-test, p < .05": Look(rules.t_test),
        f"t-test, every {looks:,}": Look(rules.t_test, looks),
        "Bayes, P > .95": Look(rules.bayes),
        "track-and-stop": Look(rules.track_and_stop),
    }
    rows = []
    for share in (0.5, 0.9):
        for law in LAWS:
            setup = Setup([law, law], [share, 1 - share], size.feedbacks)
            rows.append(_row(_split(share), law.name, setup, asked, size.pairs, seed, goals, "two equal variants", 5))
    return markdown(
        "False winners between two equal variants, % of tests",
        ["split", "feedback", "Tropism", *asked],
        rows,
        f"{size.feedbacks:,} feedbacks per test, {size.pairs:,} tests per row, a look after every feedback (or every "
        f"{looks:,}).",
    )


def unequal_tails(size: Size, seed: int, goals: Goals) -> str:
    asked = {
        "t-test, p < .05": Look(rules.t_test),
        "Bayes, P > .95": Look(rules.bayes),
        "track-and-stop": Look(rules.track_and_stop),
    }
    rows = []
    for first, second in TAILS:
        setup = Setup([first, second], [0.5, 0.5], size.feedbacks)
        claim = "equal means with unequal tails"
        rows.append(_row(first.name, second.name, setup, asked, size.pairs, seed + 1, goals, claim, 8))
    return markdown(
        "False winners between equal means with unequal tails, % of tests",
        ["one variant", "the other", "Tropism", *asked],
        rows,
        f"{size.feedbacks:,} feedbacks per test, {size.pairs:,} tests per row, a look after every feedback.",
    )


def many(size: Size, seed: int, goals: Goals) -> str:
    asked = {
        "t-test, any against the first": Look(rules.t_test),
        "track-and-stop": Look(rules.track_and_stop),
    }
    rows = []
    for k in (3, 5):
        for share in (1 / k, 0.8):
            weights = [share, *[(1 - share) / (k - 1)] * (k - 1)]
            for law in LAWS:
                name = f"{k}, {'equal' if share < 0.8 else '80 % to one'}"
                setup, claim = Setup([law] * k, weights, size.feedbacks), "three or five equal variants"
                rows.append(_row(name, law.name, setup, asked, size.many, seed + 2, goals, claim, 5))
    return markdown(
        "False winners between three or five equal variants, % of tests",
        ["variants, split", "feedback", "Tropism", *asked],
        rows,
        f"{size.feedbacks:,} feedbacks per test, {size.many:,} tests per row, a look after every feedback.",
    )


def two_tied_best(size: Size, seed: int, goals: Goals) -> str:
    """The hardest case for more than two: two equally good, the others worse, so that one pair decides."""
    asked = {"track-and-stop": Look(rules.track_and_stop)}
    rows = []
    for laws in ([coin(0.4), coin(0.4), coin(0.3)], [normal(0.3), normal(0.3), normal(), normal(), normal()]):
        k = len(laws)
        setup = Setup(laws, [1 / k] * k, size.feedbacks)
        rows.append(_row(str(k), laws[0].name, setup, asked, size.many, seed + 3, goals, "two tied best variants", 5))
    return markdown(
        "False winners with two tied best variants, % of tests",
        ["variants", "the best", "Tropism", *asked],
        rows,
        f"{size.feedbacks:,} feedbacks per test, {size.many:,} tests per row; the others have rate 0.3 or mean 0.",
    )


def wrong_way(size: Size, seed: int, goals: Goals) -> str:
    """The worse model promoted."""
    asked = {"t-test, p < .05": Look(rules.t_test)}
    rows = []
    for low, high in ((0.02, 0.03), (0.08, 0.1), (0.3, 0.33)):
        setup = Setup([coin(low), coin(high)], [0.5, 0.5], size.feedbacks)
        ends = run(setup, {"Tropism": tropism(setup), **asked}, size.pairs, seed + 4)
        wrong = {name: int(np.sum(end.winners == 0)) for name, end in ends.items()}
        rows.append(
            [f"{low:g} against {high:g}", *(rate(count, len(ends[name].looks)) for name, count in wrong.items())]
        )
        if (low, high) == (0.02, 0.03):
            hits, tests = wrong["Tropism"], len(ends["Tropism"].looks)
            goals.rate("the worse promoted, .02 against .03, %", hits, tests, 0.5, rows[-1][0])
    return markdown(
        "The worse variant promoted, % of tests",
        ["rates", "Tropism", *asked],
        rows,
        f"Up to {size.feedbacks:,} feedbacks per test, {size.pairs:,} tests per row, a look after every feedback.",
    )


def _row(
    one: str,
    other: str,
    setup: Setup,
    asked: dict[str, Look],
    tests: int,
    seed: int,
    goals: Goals,
    claim: str,
    limit: float,
) -> list[str]:
    ends = run(setup, {"Tropism": tropism(setup), **asked}, tests, seed)
    hits = {name: int(np.sum(end.looks > 0)) for name, end in ends.items()}
    tests = len(ends["Tropism"].looks)
    goals.rate(f"false winners, {claim}, %", hits["Tropism"], tests, limit, f"{one}, {other}")
    return [one, other, *(rate(each, tests) for each in hits.values())]


def tropism(setup: Setup, **settings: float) -> Look:
    """Our rule, told whether the key is bool."""
    kind: Kind = "bool" if all(law.is_bool for law in setup.laws) else "scalar"
    return Look(rules.ours(Plan(kind=kind, **settings)))  # type: ignore[arg-type]


def _split(share: float) -> str:
    return f"{share:.0%} / {1 - share:.0%}".replace("%", " %")

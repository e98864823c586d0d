"""What the validity costs: feedbacks until a true effect is found, in units of the test that is looked at once."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np

from benchmarks.ab_validity import rules
from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.laws import Law, coin, lognormal, normal
from benchmarks.ab_validity.null import tropism
from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.stream import Endings, Look, Setup, run
from benchmarks.ab_validity.table import markdown
from tropism.stats import Forecast, plan_mean, plan_rate

LN = lognormal()
SIZES = 3.5
"""How long a test runs at most, in units of the fixed-horizon size."""


def power(size: Size, seed: int, goals: Goals, most: int) -> str:
    rows = []
    for name, base, planned, twice, forecast in _cases():
        if forecast.fixed_horizon > most:
            continue
        setup = Setup([base, planned], [0.5, 0.5], int(2 * SIZES * forecast.fixed_horizon))
        asked = {
            "planned": tropism(setup, tuning=forecast.tuning),
            "default": tropism(setup),
            "track-and-stop": Look(rules.track_and_stop),
        }
        ends = run(setup, asked, size.power, seed + 5)
        double = run(replace(setup, laws=[base, twice]), {"planned": asked["planned"]}, size.power, seed + 6)
        n80 = forecast.fixed_horizon
        wrong = int(np.sum(ends["planned"].winners == 0))
        rows.append(
            [
                f"{name} ({n80:,})",
                *(f"{_quantile(end, 0.5, n80):.2f} / {_quantile(end, 0.8, n80):.2f}" for end in ends.values()),
                f"{forecast.median / n80:.2f} / {forecast.for_80_percent / n80:.2f}",
                f"{_quantile(double['planned'], 0.5, n80):.2f}",
                f"{wrong} of {len(ends['planned'].looks):,}",
            ]
        )
        if n80 >= 150:
            claim = "median / n80 at twice the effect"
            small = n80 < 300 or forecast.warmup > 0.3 * n80
            claim, limit = (f"{claim}, where warm-up rules (aim .35)", 0.6) if small else (claim, 0.35)
            goals.note(
                "median / n80 at the planned effect", _quantile(ends["planned"], 0.5, n80), error(size), 1.2, name
            )
            goals.note(claim, _quantile(double["planned"], 0.5, n80), error(size) / 3, limit, name)
    return markdown(
        "Feedbacks until a true effect is found, divided by n80",
        [
            "true effect (n80 per variant)",
            "Tropism, planned",
            "Tropism, default",
            "track-and-stop",
            "forecast",
            "planned, twice the effect",
            "worse won",
        ],
        rows,
        "Cells: the median, then what four of five tests need. n80 is the size at which a test that is looked at once "
        "finds the effect four times in five; it would stop at 1.00 whatever the effect. "
        f"{size.power:,} tests per row; the standard error of a median is about {error(size):.2f}. "
        "At twice the effect only the median of the planned test is given.",
    )


def _cases() -> list[tuple[str, Law, Law, Law, Forecast]]:
    cases = [
        (f"rate {low:g} to {low + d:g}", coin(low), coin(low + d), coin(low + 2 * d), plan_rate(low, d))
        for low, d in ((0.3, 0.03), (0.3, 0.06), (0.3, 0.15), (0.02, 0.01), (0.002, 0.004))
    ]
    cases += [(f"normal, {d:g} sd", normal(), normal(d), normal(2 * d), plan_mean(1, d)) for d in (0.1, 0.2, 0.5)]
    sd, skewness = LN.variance**0.5, 6.18
    for lift in (0.1, 0.2):
        better, best = (_scaled(1 + m * lift) for m in (1, 2))
        spread = (sd * sd * (1 + (1 + lift) ** 2) / 2) ** 0.5
        forecast = plan_mean(spread, lift * LN.mean, skewness=skewness)
        cases.append((f"lognormal s=1, +{lift:.0%}".replace("%", " %"), LN, better, best, forecast))
    return cases


def error(size: Size) -> float:
    """Of a median in units of n80, the sd of a single one being about 0.55."""
    return 1.25 * 0.55 / sqrt(size.power)


def _scaled(factor: float) -> Law:
    return Law(LN.name, LN.mean * factor, LN.variance * factor**2, lambda r, shape: factor * LN.draw(r, shape))


def _quantile(end: Endings, share: float, n80: int) -> float:
    """Of the feedbacks per variant until the better one won; a test in which it did not counts as endless."""
    needed = np.where(end.winners == 1, end.looks / 2, np.inf)
    return float(np.sort(needed)[int(share * len(needed))]) / n80

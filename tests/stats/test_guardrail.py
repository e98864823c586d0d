"""Guardrails: a metric that must not get worse is watched by a one-sided test."""

from __future__ import annotations

import math
import random

import pytest

from tropism.stats import Plan, Sums, Unit, guardrail, metric_report


def coin(rate: float, total: int) -> Sums:
    ones = round(rate * total)
    return Sums(total, total, ones, total, ones, ones, total, ones, ones, ones)


ERRORS = Plan(kind="bool", lower_is_better=True)
SCORES = Plan(kind="bool")


def test_more_errors_are_a_breach_and_fewer_are_not() -> None:
    worse, better = guardrail([coin(0.1, 1000), coin(0.2, 1000), coin(0.02, 1000)], ERRORS, default=0)
    assert (worse.variant, worse.breached, better.variant, better.breached) == (1, True, 2, False)
    assert worse.worsening == pytest.approx(0.1)
    assert better.p_value == 1


def test_a_lower_score_is_a_breach_if_higher_is_better() -> None:
    (harm,) = guardrail([coin(0.2, 1000), coin(0.1, 1000)], SCORES, default=0)
    assert harm.breached
    assert harm.worsening == pytest.approx(0.1)
    assert harm.at_least is not None
    assert 0 < harm.at_least < 0.1


def test_the_default_may_be_any_of_the_variants() -> None:
    (harm,) = guardrail([coin(0.2, 1000), coin(0.1, 1000)], ERRORS, default=1)
    assert (harm.variant, harm.breached) == (0, True)


def test_what_is_tolerated_is_no_breach() -> None:
    sums = [coin(0.1, 1000), coin(0.2, 1000)]
    assert guardrail(sums, ERRORS, default=0, tolerance=0.03)[0].breached
    assert not guardrail(sums, ERRORS, default=0, tolerance=0.08)[0].breached


def test_p_bound_and_breach_never_disagree() -> None:
    draw = random.Random(1)
    breaches = 0
    for _ in range(1500):
        sums = [coin(draw.uniform(0.2, 0.6), draw.randint(60, 500)) for _ in range(draw.randint(2, 4))]
        tolerance = draw.choice([0.0, 0.05])
        for harm in guardrail(sums, ERRORS, default=1, tolerance=tolerance):
            assert harm.p_value is not None
            assert harm.at_least is not None
            assert harm.breached == (harm.p_value <= 0.05) == (harm.at_least > tolerance)
            breaches += harm.breached
    assert 100 < breaches < 2500


@pytest.mark.parametrize("variants", [2, 4])
def test_the_bound_is_the_inversion_of_p_and_not_only_at_zero(variants: int) -> None:
    sums = [coin(0.3, 800), coin(0.4, 700), coin(0.3, 800), coin(0.3, 700)][:variants]
    bound = guardrail(sums, ERRORS, default=0)[0].at_least
    assert bound is not None
    assert guardrail(sums, ERRORS, default=0, tolerance=bound - 1e-9)[0].breached
    assert not guardrail(sums, ERRORS, default=0, tolerance=bound + 1e-9)[0].breached


def test_one_side_finds_harm_sooner_than_two() -> None:
    sums = [coin(0.3, 700), coin(0.37, 700)]
    two_sided = metric_report(sums, ERRORS).p_value
    one_sided = guardrail(sums, ERRORS, default=0)[0].p_value
    assert two_sided is not None
    assert one_sided is not None
    assert 0.4 * two_sided < one_sided < 0.7 * two_sided


def test_the_p_value_is_that_of_the_half_normal_mixture() -> None:
    """Written out once more, for two rates near one half, where no guard has a say worth a thousandth."""
    total, p, q = 5000, 0.49, 0.52
    z = (q - p) / math.sqrt(0.505 * 0.495 * 2 / total)
    kappa = 2 * total * (-2 * math.log(0.1) + math.log(-2 * math.log(0.1)) + 1) / 1000
    shrunk = z * math.sqrt(kappa / (1 + kappa))
    e = (1 + kappa) ** -0.5 * math.exp(shrunk**2 / 2) * (1 + math.erf(shrunk / math.sqrt(2)))
    assert guardrail([coin(p, total), coin(q, total)], ERRORS, default=0)[0].p_value == pytest.approx(1 / e, rel=0.01)


def test_more_challengers_are_more_chances_of_a_false_alarm() -> None:
    pair = [coin(0.3, 700), coin(0.37, 700)]
    alone = guardrail(pair, ERRORS, default=0)[0].p_value
    among = guardrail([*pair, coin(0.3, 700), coin(0.3, 700)], ERRORS, default=0)[0].p_value
    assert alone is not None
    assert among is not None
    assert among > 2.5 * alone


def test_nothing_is_said_during_warm_up() -> None:
    (harm,) = guardrail([coin(0.1, 1000), coin(0.9, 40)], ERRORS, default=0)
    assert (harm.worsening, harm.at_least, harm.p_value, harm.breached) == (None, None, None, False)
    (harm,) = guardrail([coin(0.1, 1000), Sums()], ERRORS, default=0)
    assert not harm.breached


@pytest.mark.parametrize("tolerance", [-0.1, math.inf, math.nan])
def test_a_tolerance_below_zero_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError):
        guardrail([coin(0.5, 100)] * 2, ERRORS, default=0, tolerance=tolerance)


def test_false_alarms_stay_below_alpha_with_a_look_after_every_value() -> None:
    """Latencies of two equal variants, 60 tests of up to 350 values."""
    draw, alarms, plan = random.Random(2), 0, Plan(lower_is_better=True)
    for _ in range(60):
        sums = [Sums(), Sums()]
        for turn in range(350):
            sums[turn % 2] = sums[turn % 2].add(Unit(1, draw.gammavariate(2, 1)))
            if turn >= 100 and guardrail(sums, plan, default=0)[0].breached:
                alarms += 1
                break
    assert alarms <= 0.05 * 60

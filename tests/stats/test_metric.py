"""The metric report: p, interval, verdict and decision are one thing, in every state and for either direction."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tropism.stats import Interval, Plan, Report, Sums, Unit, metric_report


def coin(rate: float, total: int) -> Sums:
    """`total` single completions with this share of ones, without building each."""
    ones = round(rate * total)
    return Sums(total, total, ones, total, ones, ones, total, ones, ones, ones)


def sums_with(total: int, mean: float, sd: float, skewness: float) -> Sums:
    """Single completions with exactly these moments."""
    s, m2, m3 = total * mean, total * sd**2, total * sd**3 * skewness
    ss = m2 + s * mean
    sss = m3 + 3 * mean * ss - 2 * s * mean**2
    return Sums(total, total, s, total, s, ss, total, s, ss, sss)


def normal(mean: float, total: int, seed: int, sd: float = 1.0) -> Sums:
    draw = random.Random(seed)
    return Sums.of(Unit(1, draw.gauss(mean, sd)) for _ in range(total))


def random_state(draw: random.Random, variants: int, kind: str) -> list[Sums]:
    """Sums as a test might have them, close enough to the boundary to fall on both sides of it."""
    match kind:
        case "bool":
            return [coin(draw.uniform(0.2, 0.8), draw.randint(50, 400)) for _ in range(variants)]
        case "scalar":
            moments = ((draw.uniform(-0.4, 0.4), draw.uniform(0.5, 1.5), draw.uniform(-3, 3)) for _ in range(variants))
            return [sums_with(draw.randint(150, 1000), *each) for each in moments]
    return [users(draw, draw.uniform(0, 1.5), draw.randint(50, 200)) for _ in range(variants)]


def users(draw: random.Random, mean: float, total: int) -> Sums:
    sizes = [draw.randint(1, 5) for _ in range(total)]
    return Sums.of(Unit(n, n * draw.gauss(mean, 1)) for n in sizes)


def excludes(interval: Interval, null: float) -> bool:
    return not interval.start <= null <= interval.end


def disagreements(report: Report, plan: Plan) -> list[str]:
    found = []
    for each in report.comparisons:
        assert each.effect is not None
        assert each.p_value is not None
        decided = each.p_value <= plan.alpha
        sign = -1 if plan.lower_is_better else 1
        better = each.verdict == "better"
        if decided != excludes(each.effect, 0.0) or decided != (each.verdict != "undecided"):
            found.append(f"{each}")
        if decided and better != (sign * each.effect.middle > 0):
            found.append(f"direction {each}")
        if not each.effect.start <= each.effect.middle <= each.effect.end:
            found.append(f"order {each}")
    assert report.p_value is not None
    beats_all = all(each.verdict == "better" for each in report.comparisons if each.variant == report.leader)
    if not (report.p_value <= plan.alpha) == (report.decision == "winner") == (report.winner is not None) == beats_all:
        found.append(f"winner {report}")
    return found


@pytest.mark.parametrize("variants", [2, 3, 5])
@pytest.mark.parametrize(("kind", "turns"), [("bool", 1000), ("scalar", 1000), ("clustered", 200)])
def test_p_interval_verdict_and_decision_never_disagree(variants: int, kind: str, turns: int) -> None:
    draw = random.Random(variants)
    winners = 0
    for turn in range(turns):
        plan = Plan(kind="bool" if kind == "bool" else "scalar", lower_is_better=turn % 2 == 0)
        report = metric_report(random_state(draw, variants, kind), plan)
        if report.has_enough_feedbacks:
            assert disagreements(report, plan) == []
            winners += report.decision == "winner"
    assert 0.02 < winners / turns < 0.98


@pytest.mark.parametrize("variants", [2, 3, 5])
def test_p_and_interval_agree_at_the_boundary_itself(variants: int) -> None:
    """Move one variant until p meets alpha: the end of the interval meets zero at the same place, not just nearby."""
    others, plan = [normal(0, 400, seed=1)] * (variants - 1), Plan()
    draw = random.Random(2)
    values = [draw.gauss(0, 1) for _ in range(400)]
    low, high = 0.0, 1.0
    for _ in range(60):
        shift = (low + high) / 2
        report = metric_report([*others, Sums.of(Unit(1, x + shift) for x in values)], plan)
        assert disagreements(report, plan) == []
        low, high = (low, shift) if report.decision == "winner" else (shift, high)
    report = metric_report([*others, Sums.of(Unit(1, x + high) for x in values)], plan)
    effect = next(each.effect for each in report.comparisons if each.variant == variants - 1)
    assert effect is not None
    assert report.decision == "winner"
    assert abs(effect.start) < 1e-12


@pytest.mark.parametrize("variants", [2, 3])
def test_the_figures_are_those_of_the_published_formula(variants: int) -> None:
    """Written out once more, from the sources named in the docs, for two unequal rates, alone and beside a third."""
    a = 0.1 / variants
    ones, totals = (300, 260), (1000, 700)
    p = [s / n for s, n in zip(ones, totals, strict=True)]
    rho2 = (-2 * math.log(a) + math.log(-2 * math.log(a)) + 1) / 1000
    d = p[1] - p[0]
    welch = math.sqrt(sum(q * (1 - q) / (n - 1) for q, n in zip(p, totals, strict=True)))
    pool = sum(ones) / sum(totals)
    pooled = math.sqrt(pool * (1 - pool) * (1 / totals[0] + 1 / totals[1]))
    kappa = rho2 * 4 / (1 / totals[0] + 1 / totals[1])
    third = [q * (1 - q) * (1 - 2 * q) / n**2 for q, n in zip(p, totals, strict=True)]
    skew, t = (third[1] - third[0]) / welch**3, d / welch
    z = min(t, d / pooled, t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6)
    e = (1 + kappa) ** -0.5 * math.exp(z**2 / 2 * kappa / (1 + kappa))
    c = math.sqrt((1 + kappa) / kappa * (2 * math.log(1 / a) + math.log(1 + kappa)))
    inverse = [3 / skew * (math.cbrt(1 + skew * (x - skew / 6)) - 1) for x in (c, -c)]
    sums = [coin(0.3, 1000), coin(260 / 700, 700), coin(0.35, 900)][:variants]
    report = metric_report(sums, Plan(kind="bool"))
    pair = next(each for each in report.comparisons if (each.variant, each.other) == (1, 0))
    effect = pair.effect
    assert effect is not None
    assert pair.p_value == pytest.approx(variants / 2 / e, rel=1e-9)
    start = min(d - c * welch, d - c * pooled, d - welch * inverse[0])
    end = max(d + c * welch, d + c * pooled, d - welch * inverse[1])
    assert (effect.start, effect.middle, effect.end) == pytest.approx((start, d, end), rel=1e-9)


@pytest.mark.parametrize("kind", ["bool", "scalar", "clustered"])
def test_lower_is_better_mirrors_everything_but_the_display(kind: str) -> None:
    draw = random.Random(7)
    for _ in range(30):
        sums = random_state(draw, 3, kind)
        negated = [replace(s, s=-s.s, ns=-s.ns, nns=-s.nns, sss=-s.sss) for s in sums]
        lower = metric_report(sums, Plan(lower_is_better=True), default=0)
        higher = metric_report(negated, Plan(), default=0)
        assert (lower.p_value, lower.decision, lower.leader) == (higher.p_value, higher.decision, higher.leader)
        for one, other in zip(lower.comparisons, higher.comparisons, strict=True):
            assert one.verdict == other.verdict
            if one.effect and other.effect:
                assert one.effect == Interval(-other.effect.end, -other.effect.middle, -other.effect.start)


def test_the_lower_rate_wins_if_lower_is_better() -> None:
    sums = [coin(0.3, 2000), coin(0.2, 2000)]
    report = metric_report(sums, Plan(kind="bool", lower_is_better=True))
    assert (report.winner, report.leader) == (1, 1)
    assert metric_report(sums, Plan(kind="bool")).winner == 0
    effect = report.comparisons[1].effect
    assert effect is not None
    assert effect.middle == pytest.approx(-0.1)
    assert report.comparisons[1].lift == pytest.approx(-1 / 3)


def test_the_lift_is_a_share_of_the_size_of_the_other_mean() -> None:
    report = metric_report([sums_with(500, -2, 1, 0), sums_with(500, -1, 1, 0)], Plan())
    assert [each.lift for each in report.comparisons] == pytest.approx([-1, 0.5])
    assert metric_report([sums_with(500, 0, 1, 0), sums_with(500, -1, 1, 0)], Plan()).comparisons[1].lift is None


def test_intervals_are_shown_in_the_units_of_the_key_whatever_the_reference() -> None:
    draw = random.Random(3)
    values = [[draw.gauss(100 + i, 5) for _ in range(300)] for i in range(2)]
    plain, shifted = (
        metric_report([Sums.of(Unit(1, x - k) for x in each) for each in values], Plan(reference=k)) for k in (0.0, 97)
    )
    assert shifted.p_value == pytest.approx(plain.p_value, rel=1e-6)
    for one, other in zip(plain.variants, shifted.variants, strict=True):
        assert one.interval is not None
        assert other.interval is not None
        assert (one.interval.start, one.interval.end) == pytest.approx((other.interval.start, other.interval.end))
    assert shifted.comparisons[0].lift == pytest.approx(plain.comparisons[0].lift, rel=1e-9)


def test_one_feedback_per_user_gives_the_figures_of_single_completions() -> None:
    draw = random.Random(4)
    values = [[draw.gauss(i / 4, 1) for _ in range(200)] for i in range(2)]
    single = metric_report([Sums.of(Unit(1, x) for x in each) for each in values], Plan())
    users = metric_report([Sums.of(Unit.of([x, x]) for x in each) for each in values], Plan())
    assert users.p_value == pytest.approx(single.p_value, rel=1e-9)
    assert users.variants[0].units == single.variants[0].units
    assert "clustered_units" in users.notes
    assert "clustered_units" not in single.notes


def test_repeated_votes_of_few_users_are_no_evidence() -> None:
    """Fifty users on each side who repeat themselves a hundred times count as fifty users."""
    draw = random.Random(5)
    means = [[draw.random() < rate for _ in range(50)] for rate in (0.45, 0.6)]
    users = metric_report([Sums.of(Unit(100, 100.0 * m) for m in each) for each in means], Plan(kind="bool"))
    naive = metric_report([Sums.of(Unit(1, float(m)) for m in each for _ in range(100)) for each in means], Plan())
    assert users.decision == "continue"
    assert naive.decision == "winner"


def test_three_variants_pay_for_three_chances_of_a_false_winner() -> None:
    pair = [coin(0.3, 1000), coin(0.36, 1000)]
    two = metric_report(pair, Plan(kind="bool"))
    three = metric_report([*pair, coin(0.1, 1000)], Plan(kind="bool"))
    assert two.p_value is not None
    assert three.p_value is not None
    assert three.p_value > 1.3 * two.p_value
    assert three.pair_level == pytest.approx(1 - 0.1 / 3)
    assert "k_correction" in three.notes


def test_nothing_is_shown_during_warm_up() -> None:
    report = metric_report([coin(0.2, 49), coin(0.9, 5000)], Plan(kind="bool"), default=0)
    assert not report.has_enough_feedbacks
    assert (report.p_value, report.winner, report.decision) == (None, None, "continue")
    assert report.better_than_default is None
    assert all(each.interval is None for each in report.variants)
    assert all(each.effect is None and each.p_value is None for each in report.comparisons)
    assert report.leader == 1


@pytest.mark.parametrize(("rate", "needed"), [(0.5, 50), (0.3, 50), (0.02, 236), (0.002, 2486)])
def test_rare_events_need_a_longer_warm_up(rate: float, needed: int) -> None:
    report = metric_report([coin(rate, 100_000), coin(rate, 100_000)], Plan(kind="bool"))
    assert report.warmup_units == pytest.approx(needed, abs=1)
    assert metric_report([coin(rate, 3000)] * 2, Plan(kind="bool")).has_enough_feedbacks
    assert not metric_report([coin(rate, needed * 9 // 10)] * 2, Plan(kind="bool")).has_enough_feedbacks


def test_of_rates_the_rarest_pair_sets_the_warm_up() -> None:
    two = metric_report([coin(0.002, 10_000), coin(0.018, 10_000)], Plan(kind="bool"))
    three = metric_report([coin(0.002, 10_000), coin(0.018, 10_000), coin(0.5, 10_000)], Plan(kind="bool"))
    assert two.warmup_units == three.warmup_units == pytest.approx(5 * 0.98**2 / 0.0099, abs=1)


def test_of_scalars_the_most_skewed_variant_sets_the_warm_up() -> None:
    skewed, plain = sums_with(500, 0, 1, 4), sums_with(500, 0, 1, 0)
    assert metric_report([plain, skewed], Plan()).warmup_units == 320
    assert metric_report([sums_with(500, 0, 1, -4), skewed], Plan()).warmup_units == 320
    assert metric_report([plain, plain], Plan()).warmup_units == 50


def test_a_mixture_of_two_plain_variants_may_be_skewed() -> None:
    few, many = sums_with(60, 10, 1, 0), sums_with(5000, 0, 1, 0)
    report = metric_report([few, many], Plan())
    assert report.warmup_units > 60
    assert not report.has_enough_feedbacks


def test_scalars_and_users_need_four_times_the_warm_up_of_rates() -> None:
    rates = metric_report([coin(0.02, 5000)] * 2, Plan(kind="bool")).warmup_units
    assert metric_report([coin(0.02, 5000)] * 2, Plan()).warmup_units == pytest.approx(4 * rates, abs=4)
    users = [Sums.of(Unit(2, 2 * float(i < 100)) for i in range(5000))] * 2
    assert metric_report(users, Plan(kind="bool")).warmup_units == pytest.approx(4 * rates, abs=4)


def test_a_test_in_which_nothing_varies_never_warms_up() -> None:
    report = metric_report([coin(1.0, 5000), coin(1.0, 5000)], Plan(kind="bool"))
    assert not report.has_enough_feedbacks


def test_one_variant_empty_is_warm_up() -> None:
    report = metric_report([coin(0.5, 500), Sums()], Plan(kind="bool"))
    assert (report.leader, report.p_value, report.variants[1].units) == (0, None, 0)


def test_no_feedback_at_all_is_warm_up() -> None:
    report = metric_report([Sums(), Sums(), Sums()], Plan())
    assert (report.leader, report.decision, report.feedbacks) == (None, "continue", 0)
    assert report.sentence == "No feedback yet."


def test_two_constants_that_differ_are_told_apart() -> None:
    report = metric_report([Sums.of([Unit(1, 1.0)] * 60), Sums.of([Unit(1, 2.0)] * 60)], Plan())
    assert report.decision == "winner"
    assert report.winner == 1


def test_two_equal_constants_beside_a_third_law_are_undecided() -> None:
    draw = random.Random(6)
    constant = Sums.of([Unit(1, 0.5)] * 100)
    report = metric_report([constant, constant, Sums.of(Unit(1, draw.random()) for _ in range(100))], Plan())
    pair = report.comparisons[0]
    assert (pair.variant, pair.other, pair.verdict, pair.p_value) == (0, 1, "undecided", 1)
    assert pair.effect is not None
    assert pair.effect.start < -0.01 < 0.01 < pair.effect.end


def test_huge_and_tiny_values_give_the_same_figures() -> None:
    draw = random.Random(8)
    values = [[draw.gauss(i, 3) for _ in range(200)] for i in range(2)]
    plain, *scaled = (
        metric_report([Sums.of(Unit(1, x * scale) for x in each) for each in values], Plan())
        for scale in (1.0, 1e80, 1e-80)
    )
    for report in scaled:
        assert report.p_value == pytest.approx(plain.p_value, rel=1e-6)
        assert report.decision == plain.decision


def test_lost_digits_are_said_and_never_decide() -> None:
    draw = random.Random(9)
    far = [Sums.of(Unit(1, 1e12 + draw.gauss(0, 1)) for _ in range(300)) for _ in range(2)]
    report = metric_report(far, Plan())
    assert "lost_digits" in report.notes
    assert report.decision == "continue"
    assert "lost_digits" not in metric_report([normal(0, 300, 1), normal(0, 300, 2)], Plan()).notes


@pytest.mark.parametrize(
    "sums",
    [
        Sums(units=5, n=3, s=1.0),
        Sums(units=0, n=3, s=1.0),
        Sums(units=3, n=3, s=math.inf),
        Sums(units=3, n=3, s=math.nan),
        Sums(units=-3, n=-3),
    ],
)
def test_sums_that_cannot_be_are_refused(sums: Sums) -> None:
    with pytest.raises(ValueError):
        metric_report([coin(0.5, 100), sums], Plan())


def test_a_bool_key_takes_no_other_values() -> None:
    with pytest.raises(ValueError):
        metric_report([coin(0.5, 100), Sums.of([Unit(1, 2.0)] * 100)], Plan(kind="bool"))


@pytest.mark.parametrize("variants", [0, 1, 11])
def test_a_test_has_two_to_ten_variants(variants: int) -> None:
    with pytest.raises(ValueError):
        metric_report([coin(0.5, 100)] * variants, Plan(kind="bool"))


@pytest.mark.parametrize("default", [-1, 2])
def test_the_default_must_be_one_of_the_variants(default: int) -> None:
    with pytest.raises(ValueError):
        metric_report([coin(0.5, 100)] * 2, Plan(kind="bool"), default=default)


@pytest.mark.parametrize(
    "setting",
    [
        {"alpha": 0.0},
        {"alpha": 0.3},
        {"tuning": 0.0},
        {"tuning": math.inf},
        {"min_effect": 0.0},
        {"min_effect": math.nan},
        {"max_feedbacks": 0},
        {"kind": "bool", "reference": 1.0},
        {"reference": math.nan},
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Plan(**setting)  # type: ignore[arg-type]


def test_a_bool_interval_is_exact_for_completions_and_scalar_for_users() -> None:
    completions = metric_report([coin(0.1, 1000), coin(0.5, 1000)], Plan(kind="bool"))
    users = metric_report([Sums.of(Unit(2, 2 * float(i < 50)) for i in range(500))] * 2, Plan(kind="bool"))
    assert "exact_counts" in completions.notes
    assert "exact_counts" not in users.notes
    interval = completions.variants[0].interval
    assert interval is not None
    middle = interval.middle
    assert middle - interval.start < interval.end - middle  # a share near zero has more room above
    assert all(each.interval and each.interval.start >= 0 for each in users.variants)


def test_a_bool_interval_of_users_is_as_wide_as_their_number_says() -> None:
    """Five hundred users who vote twice the same are five hundred coins, not a thousand."""
    single = metric_report([coin(0.3, 500)] * 2, Plan(kind="bool")).variants[0].interval
    twice = metric_report([Sums.of(Unit(2, 2 * float(i < 150)) for i in range(500))] * 2, Plan(kind="bool"))
    interval = twice.variants[0].interval
    assert single is not None
    assert interval is not None
    assert interval.end - interval.start == pytest.approx(single.end - single.start, rel=0.2)


def test_a_bool_interval_of_users_stays_between_zero_and_one() -> None:
    rare = Sums.of(Unit(2, 2 * float(i < 50)) for i in range(1000))
    often = Sums.of(Unit(2, 2 * float(i >= 50)) for i in range(1000))
    plan = Plan(kind="bool", tuning=1e9)  # so far from the size at hand that the intervals are wide
    for low, high in ((rare, often), (often, rare)):
        shown = [each.interval for each in metric_report([low, high], plan).variants]
        assert {0.0, 1.0} <= {end for each in shown if each for end in (each.start, each.end)}


def test_a_constant_variant_does_not_look_certain() -> None:
    report = metric_report([Sums.of([Unit(1, 0.0)] * 200), normal(0, 200, seed=12)], Plan())
    interval = report.variants[0].interval
    assert interval is not None
    assert interval.end - interval.start > 0.2


def test_a_scalar_interval_has_the_published_width() -> None:
    sums = normal(3, 1000, seed=10)
    mean, m2 = sums.s / 1000, sums.ss - sums.s**2 / 1000
    kappa = 1000 * (2 * math.log(20) + math.log(2 * math.log(20)) + 1) / 500
    c = math.sqrt((1 + kappa) / kappa * (2 * math.log(20) + math.log(1 + kappa)))
    interval = metric_report([sums, sums], Plan()).variants[0].interval
    assert interval is not None
    error = math.sqrt(m2 / 999 / 1000)
    assert interval.end - interval.start == pytest.approx(2 * c * error, rel=0.01)
    assert interval.end - interval.start >= 2 * c * error * (1 - 1e-12)
    assert interval.middle == pytest.approx(mean)


def states() -> Sequence[list[Sums]]:
    draw = random.Random(11)
    return [random_state(draw, 4, "scalar") for _ in range(20)]


@pytest.mark.parametrize("sums", states())
def test_the_order_of_the_variants_does_not_matter(sums: list[Sums]) -> None:
    forward, backward = metric_report(sums, Plan()), metric_report(sums[::-1], Plan())
    assert forward.p_value == pytest.approx(backward.p_value, rel=1e-9)
    assert forward.decision == backward.decision
    assert forward.leader is not None
    assert backward.leader == 3 - forward.leader

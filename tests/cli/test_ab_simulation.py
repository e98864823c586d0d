"""`tropism ab simulate`: what it shows, and that its rule is the one that decides tests."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest

from tropism.cli.ab_simulation import Setting, draw_value, score, simulate, winner_of, winner_of_pairs
from tropism.stats import PairCounts, Plan, Sums, Unit, metric_report, preference_report

FEW = ("--tests", 12, "--feedbacks", 150)


@pytest.mark.parametrize("kind", ["bool", "scalar"])
@pytest.mark.parametrize("variants", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_winner_is_that_of_the_report_at_every_look(kind: Any, variants: int, seed: int) -> None:
    chance, plan, sums = random.Random(seed), Plan(kind=kind, max_feedbacks=None), [Sums()] * variants
    named = []
    for _ in range(variants * 120):
        i = chance.randrange(variants)
        mean = 0.2 + 0.3 * (i == seed % variants)
        value = float(chance.random() < mean) if kind == "bool" else chance.gauss(mean, 0.4)
        sums[i] = sums[i].add(Unit(1, value))
        named.append((winner_of(sums, plan), metric_report(sums, plan).winner))
    assert [ours for ours, _ in named] == [report for _, report in named]


@pytest.mark.parametrize("variants", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_preferred_one_is_that_of_the_report_at_every_look(variants: int, seed: int) -> None:
    chance, plan = random.Random(seed), Plan(max_feedbacks=None)
    counts: dict[tuple[int, int], PairCounts] = {}
    named = []
    for _ in range(variants * 60):
        one, other = sorted(chance.sample(range(variants), 2))
        wins = chance.random() < (0.1 if other == variants - 1 else 0.5)
        counts[one, other] = counts.get((one, other), PairCounts()) + PairCounts(int(wins), int(not wins))
        named.append((winner_of_pairs(variants, counts, plan), preference_report(variants, counts, plan).winner))
    assert [ours for ours, _ in named] == [report for _, report in named]
    assert named[-1][0] == variants - 1


def test_between_equal_models_the_polled_t_test_is_wrong_far_more_often() -> None:
    setting = Setting(rate=0.3, feedbacks=400)
    ours, polled = zip(*simulate(setting, 60, seed=1), strict=True)
    assert score(setting, ours).wrong <= 0.05
    assert score(setting, polled).wrong >= 0.25


@pytest.mark.parametrize(
    "setting",
    [Setting(mean=2.0, sd=2.6, lognormal=True, feedbacks=400), Setting(ties=0.5, feedbacks=400)],
    ids=["lognormal", "ties"],
)
def test_neither_lopsided_values_nor_ties_change_that(setting: Setting) -> None:
    ours, polled = zip(*simulate(setting, 60, seed=1), strict=True)
    assert score(setting, ours).wrong <= 0.05
    assert score(setting, polled).wrong >= 0.25


def test_lognormal_values_have_the_mean_and_sd_that_were_asked_for() -> None:
    setting = Setting(mean=2.0, sd=1.5, lognormal=True)
    chance = random.Random(1)
    values = [2.0 + draw_value(setting, 0.5, chance) for _ in range(40_000)]
    assert statistics.mean(values) == pytest.approx(2.5, rel=0.02)
    assert statistics.stdev(values) == pytest.approx(1.5 * 2.5 / 2.0, rel=0.05)
    assert min(values) > 0


def test_a_better_model_is_found() -> None:
    setting = Setting(mean=3.0, sd=1.0, effect=1.0)
    ours, _ = zip(*simulate(setting, 20, seed=1), strict=True)
    found = score(setting, ours)
    assert (found.right, found.wrong) == (1.0, 0.0)
    assert found.median_feedbacks < 150


@pytest.mark.parametrize(
    "given",
    [("--rate", 0.3), ("--mean", 3, "--sd", 2, "--variants", 3), ("--preference", "--effect", 0.1)]
    + [("--mean", 3, "--sd", 4, "--lognormal"), ("--preference", "--ties", 0.4)],
)
def test_it_needs_no_engine_and_says_the_same_twice(
    tropism: Any, monkeypatch: pytest.MonkeyPatch, given: tuple[object, ...]
) -> None:
    monkeypatch.setenv("TROPISM_BASE_URL", "http://127.0.0.1:1")
    ran = tropism("ab", "simulate", *given, *FEW)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == tropism("ab", "simulate", *given, *FEW).out
    assert "t-test, p < 0.05" in ran.out
    assert ("Right winner" in ran.out) == ("--effect" in given)
    assert max(map(len, ran.out.splitlines())) <= 80


def test_programs_get_the_figures_as_json(tropism: Any) -> None:
    found = tropism("ab", "simulate", "--rate", 0.3, *FEW, "--json").json
    assert set(found) == {"tropism", "t_test"}
    assert {"wrong", "wrong_error", "right", "median_feedbacks"} <= set(found["tropism"])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((), "one of --rate"),
        (("--rate", 0.3, "--preference"), "one of --rate"),
        (("--rate", 1.3), "between 0 and 1"),
        (("--rate", 0.9, "--effect", 0.2), "between 0 and 1"),
        (("--mean", 1, "--sd", 0), "above zero"),
        (("--rate", 0.3, "--variants", 1), "2 to 10 variants"),
        (("--rate", 0.3, "--tests", 0), "above zero"),
        (("--mean", 0, "--lognormal"), "mean above zero"),
        (("--rate", 0.3, "--lognormal"), "mean above zero"),
        (("--preference", "--ties", 1), "share of preferences"),
        (("--rate", 0.3, "--ties", 0.1), "share of preferences"),
    ],
)
def test_what_cannot_be_simulated_is_refused(tropism: Any, given: tuple[object, ...], says: str) -> None:
    ran = tropism("ab", "simulate", *given)
    assert (ran.code, says in ran.err) == (1, True)

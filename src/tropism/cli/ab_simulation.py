"""A/B tests simulated on rates of your own: how often a winner is named, by our rule and by a t-test that is polled.

Both rules look after every feedback. Ours is the code that the engine runs. No mixture of likelihoods is greater than
the greatest of them: where even that one is below 1 / alpha no winner can be named, and the report need not be made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, log, sqrt
from random import Random
from statistics import median

from tropism.stats import PairCounts, Plan, Sums, Unit, metric_report, preference_report

POLLED_Z, FEWEST = 1.96, 10
"""The polled t-test: p < .05 by the normal quantile, once every variant has ten feedbacks."""

ROUNDING = 0.99
"""Of the bar, so that the last bits of two ways to reckon never hide a winner."""

Counts = dict[tuple[int, int], PairCounts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is simulated: a bool key of some `rate`, a scalar key of some `mean` and `sd`, or else preferences.

    Values are normal, or else `lognormal`: lopsided, of the same mean and sd. A share of preferences is in `ties`. The
    last variant is better by `effect`. A test ends after `feedbacks` per variant. Raises ValueError for a setting that
    cannot be.
    """

    rate: float | None = None
    mean: float | None = None
    sd: float = 1.0
    lognormal: bool = False
    ties: float = 0.0
    effect: float = 0.0
    variants: int = 2
    feedbacks: int = 500

    def __post_init__(self) -> None:
        Plan().pair_alpha(self.variants)
        if self.rate is not None and self.mean is not None:
            raise ValueError("give a rate, or a mean with its sd, not both")
        if min(self.sd, self.feedbacks) <= 0 or self.effect < 0:
            raise ValueError("sd and feedbacks must be above zero, and effect not below")
        if self.lognormal and (self.mean is None or self.mean <= 0):
            raise ValueError("lognormal values need a mean above zero")
        if not 0 <= self.ties < 1 or (self.ties and not self.is_preference):
            raise ValueError("ties are a share of preferences, from 0 to below 1")
        if self.mean is None and not 0 < self.base <= self.base + self.effect < 1:
            raise ValueError(f"{self.base:g} and {self.base + self.effect:g} must be rates between 0 and 1")

    @property
    def is_preference(self) -> bool:
        return self.rate is None and self.mean is None

    @property
    def base(self) -> float:
        """The rate, the mean or the win rate of all variants but the last."""
        return self.rate if self.rate is not None else self.mean if self.mean is not None else 0.5

    @property
    def best(self) -> int | None:
        return self.variants - 1 if self.effect else None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a rule ended a test: the winner, None if there was none, and the feedbacks per variant until then."""

    winner: int | None
    feedbacks: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a rule did: shares of the tests with their Monte-Carlo standard errors, and the median of feedbacks."""

    wrong: float
    wrong_error: float
    right: float
    right_error: float
    median_feedbacks: float


def simulate(setting: Setting, tests: int, seed: int) -> Iterator[tuple[Ending, Ending]]:
    """How our rule and the polled t-test end the same tests, one after another."""
    for number in range(tests):
        chance = Random(f"{seed} {number}")
        named = (_named_by_preferences if setting.is_preference else _named_by_values)(setting, chance)
        yield _endings(setting, named)


def score(setting: Setting, endings: Sequence[Ending]) -> Score:
    """Between equal variants every winner is wrong, else every one but the best."""
    named = [each.winner for each in endings if each.winner is not None]
    right = sum(winner == setting.best for winner in named) / len(endings)
    wrong = len(named) / len(endings) - right
    return Score(
        wrong=wrong,
        wrong_error=_error(wrong, len(endings)),
        right=right,
        right_error=_error(right, len(endings)),
        median_feedbacks=median(each.feedbacks for each in endings),
    )


def _error(share: float, tests: int) -> float:
    """The standard error of a share, by Agresti and Coull, so that none in a hundred does not look like certainty."""
    near = (share * tests + 2) / (tests + 4)
    return sqrt(near * (1 - near) / (tests + 4))


Named = Iterator[tuple[int | None, int | None]]
"""The winners that the two rules name at each look."""


def _endings(setting: Setting, named: Named) -> tuple[Ending, Ending]:
    ours = polled = Ending(None, setting.feedbacks)
    per_look = (2 if setting.is_preference else 1) / setting.variants
    for look, (our_winner, polled_winner) in enumerate(named, 1):
        if ours.winner is None and our_winner is not None:
            ours = Ending(our_winner, look * per_look)
        if polled.winner is None and polled_winner is not None:
            polled = Ending(polled_winner, look * per_look)
        if ours.winner is not None and polled.winner is not None:
            break
    return ours, polled


def _named_by_values(setting: Setting, chance: Random) -> Named:
    plan = Plan(kind="scalar" if setting.rate is None else "bool", max_feedbacks=None)
    sums, last = [Sums()] * setting.variants, setting.variants - 1
    has_ended = False
    for _ in range(setting.feedbacks * setting.variants):
        i = chance.randrange(setting.variants)
        sums[i] = sums[i].add(Unit(1, draw_value(setting, setting.effect if i == last else 0.0, chance)))
        winner = None if has_ended else winner_of(sums, plan)
        has_ended = has_ended or winner is not None
        yield winner, _polled(sums)


def draw_value(setting: Setting, lead: float, chance: Random) -> float:
    """A value of a variant that is better by `lead`. Scalars count from the mean, as the engine's do from the first."""
    if setting.mean is None:
        return float(chance.random() < setting.base + lead)
    if not setting.lognormal:
        return chance.gauss(lead, setting.sd)
    spread = log(1 + (setting.sd / setting.mean) ** 2)  # the better variant's values are greater by one factor
    return (setting.mean + lead) * chance.lognormvariate(-spread / 2, sqrt(spread)) - setting.mean


def winner_of(sums: Sequence[Sums], plan: Plan) -> int | None:
    """The winner that the report names, which is made only where there can be one."""
    if min(variant.n for variant in sums) < FEWEST:
        return None
    best = max(sums, key=lambda variant: variant.s / variant.n)
    least = min(_z2(best, other) for other in sums if other is not best)
    return metric_report(sums, plan).winner if least / 2 >= log(1 / plan.pair_alpha(len(sums))) * ROUNDING else None


def winner_of_pairs(variants: int, counts: Counts, plan: Plan) -> int | None:
    """The winner that the report names, which is made only where there can be one."""
    bar = log(1 / plan.pair_alpha(variants)) * ROUNDING
    strong = [pair for pair, seen in counts.items() if _log_likelihood_ratio(seen) >= bar]
    can_be = any(sum(i in pair for pair in strong) == variants - 1 for i in range(variants))
    return preference_report(variants, counts, plan).winner if can_be else None


def _z2(one: Sums, other: Sums) -> float:
    """Welch's z-score, squared: twice the logarithm of the greatest likelihood over that of no difference."""
    difference, error2 = one.s / one.n - other.s / other.n, _error2(one) + _error2(other)
    return difference * difference / error2 if error2 > 0 else inf


def _log_likelihood_ratio(seen: PairCounts) -> float:
    """ln of the greatest likelihood of these wins and losses over that of a fair coin."""
    return sum(count * log(2 * count / seen.decisive) for count in (seen.wins, seen.losses) if count)


def _polled(sums: Sequence[Sums]) -> int | None:
    """Any variant against the first."""
    if min(variant.n for variant in sums) < FEWEST or len({variant.s / variant.n for variant in sums}) == 1:
        return None
    first, *others = sums
    for i, other in enumerate(others, 1):
        if _z2(other, first) > POLLED_Z**2:
            return i if other.s / other.n > first.s / first.n else 0
    return None


def _error2(variant: Sums) -> float:
    return (variant.ss - variant.s * variant.s / variant.n) / (variant.n - 1) / variant.n


def _named_by_preferences(setting: Setting, chance: Random) -> Named:
    plan, last = Plan(max_feedbacks=None), setting.variants - 1
    counts: Counts = {}
    has_ended, polled = False, None
    # Each comparison is one of both its variants, as `max_feedbacks` counts them.
    for _ in range(setting.feedbacks * setting.variants // 2):
        one, other = sorted(chance.sample(range(setting.variants), 2))
        pair = (one, other)
        wins = chance.random() >= 0.5 + (setting.effect if other == last else 0.0)
        is_tied = setting.ties > 0 and chance.random() < setting.ties
        given = PairCounts(ties_good=1) if is_tied else PairCounts(int(wins), int(not wins))
        seen = counts[pair] = counts.get(pair, PairCounts()) + given
        winner = None if has_ended else winner_of_pairs(setting.variants, counts, plan)
        has_ended = has_ended or winner is not None
        if polled is None and seen.decisive >= FEWEST and (seen.wins - seen.losses) ** 2 > POLLED_Z**2 * seen.decisive:
            polled = one if seen.wins > seen.losses else other
        yield winner, polled

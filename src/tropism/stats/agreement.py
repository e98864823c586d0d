"""How far two raters of the same things agree: a share with its interval, Cohen's kappa, a rank correlation.

Kappa's interval is Bayesian: quantiles of kappa under the Dirichlet posterior of the four cells with Jeffreys' prior
(Basu, Banerjee and Sen, Biometrics 56, 2000). The usual normal one (Fleiss, Cohen and Everitt 1969) has no width where
the raters never disagree, and holds far less often than it says for few pairs or rare verdicts. The share's interval is
Wilson's (Brown, Cai and DasGupta 2001); that of Spearman's correlation is Bonett and Wright's (2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from random import Random

_Z = 1.959963984540054
_DRAWS = 4000
_PRIOR = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How often two raters said yes and no, together and alone."""

    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def n(self) -> int:
        return self.both + self.first_only + self.second_only + self.neither


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    start: float
    middle: float
    end: float


def tabulate(pairs: Sequence[tuple[bool, bool]]) -> Table:
    """Count pairs of verdicts, the first rater's and the second's."""
    return Table(
        both=sum(one and other for one, other in pairs),
        first_only=sum(one and not other for one, other in pairs),
        second_only=sum(other and not one for one, other in pairs),
        neither=sum(not one and not other for one, other in pairs),
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) of nothing."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == n else middle + half)


def agreement(table: Table) -> Estimate | None:
    """The share of pairs on which both say the same; None of nothing."""
    if table.n == 0:
        return None
    same = table.both + table.neither
    low, high = wilson(same, table.n)
    return Estimate(low, same / table.n, high)


def kappa(table: Table) -> Estimate | None:
    """Cohen's kappa: the agreement beyond that of two raters who say yes as often as these, but at random.

    1 is perfect, 0 is chance. None where it is not defined: both raters said the same of everything, and only that.
    """
    cells = (table.both, table.first_only, table.second_only, table.neither)
    middle = _kappa(*cells) if table.n else None
    if middle is None:
        return None
    random = Random(sum(cells))  # the same table, the same interval
    drawn = sorted(_draw(cells, random) for _ in range(_DRAWS))
    low, high = drawn[int(0.025 * _DRAWS)], drawn[int(0.975 * _DRAWS)]
    # At the edge of what is possible the posterior lies inside of it.
    return Estimate(min(low, middle), middle, max(high, middle))


def _draw(cells: Sequence[int], random: Random) -> float:
    shares = [random.gammavariate(count + _PRIOR, 1.0) for count in cells]
    return _kappa(*shares) or 0.0


def _kappa(both: float, first_only: float, second_only: float, neither: float) -> float | None:
    n = both + first_only + second_only + neither
    first, second = (both + first_only) / n, (both + second_only) / n
    chance = first * second + (1 - first) * (1 - second)
    if chance >= 1:
        return None
    return ((both + neither) / n - chance) / (1 - chance)


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> Estimate | None:
    """Spearman's correlation, equal values sharing their rank; None for fewer than four pairs, or a constant rater."""
    if len(pairs) < 4:
        return None
    rho = _pearson(_ranks([one for one, _ in pairs]), _ranks([other for _, other in pairs]))
    if rho is None:
        return None
    inside = max(min(rho, 1 - 1e-12), -1 + 1e-12)
    half = _Z * sqrt((1 + inside * inside / 2) / (len(pairs) - 3))
    return Estimate(min(tanh(atanh(inside) - half), rho), rho, max(tanh(atanh(inside) + half), rho))


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for at in order[start:end]:
            ranks[at] = (start + end - 1) / 2
        start = end
    return ranks


def _pearson(ones: Sequence[float], others: Sequence[float]) -> float | None:
    one_mean, other_mean = sum(ones) / len(ones), sum(others) / len(others)
    shared = sum((one - one_mean) * (other - other_mean) for one, other in zip(ones, others, strict=True))
    spread = sum((one - one_mean) ** 2 for one in ones) * sum((other - other_mean) ** 2 for other in others)
    return None if spread == 0 else max(-1.0, min(1.0, shared / sqrt(spread)))

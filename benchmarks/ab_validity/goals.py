"""What the simulations must show, and whether they do."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

from benchmarks.ab_validity.table import markdown


@dataclass(frozen=True, slots=True)
class Worst:
    """The largest figure of a claim, its standard error, the most it may be, and the cell in which it stands."""

    value: float
    error: float
    limit: float
    where: str

    @property
    def met(self) -> str:
        if self.value <= self.limit:
            return "yes"
        return "within two standard errors" if self.value - 2 * self.error <= self.limit else "NO"


@dataclass(slots=True)
class Goals:
    """The worst figure of each claim, as the tables come in."""

    worst: dict[str, Worst] = field(default_factory=dict)

    def note(self, claim: str, value: float, error: float, limit: float, where: str) -> None:
        """Keep the largest value of a claim."""
        if claim not in self.worst or value > self.worst[claim].value:
            self.worst[claim] = Worst(value, error, limit, where)

    def rate(self, claim: str, hits: int, tests: int, limit: float, where: str) -> None:
        """The same for a share of tests, in per cent."""
        share = (hits + 2) / (tests + 4)
        self.note(claim, 100 * hits / tests, 100 * sqrt(share * (1 - share) / (tests + 4)), limit, where)

    def table(self) -> str:
        rows = [
            [claim, f"{worst.limit:g}", f"{worst.value:.3g} ± {worst.error:.2g}", worst.where, worst.met]
            for claim, worst in self.worst.items()
        ]
        return markdown("Goals", ["goal", "at most", "worst measured", "where", "met"], rows)

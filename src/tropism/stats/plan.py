"""What is fixed when a test is created and never changes afterwards, but for the maximum of feedbacks."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

FEWEST_VARIANTS, MOST_VARIANTS = 2, 10

Kind = Literal["bool", "scalar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The settings of one test. Raises ValueError for a setting out of range.

    alpha: chance of a false winner that is accepted over the whole life of the test.
    tuning: the number of units, two variants together, after which the boundary is tightest (N_tune). Unused by
        preferences.
    kind: of the feedback key; "bool" gives exact intervals per variant. Unused by preferences.
    lower_is_better: the scoring type of the key. Unused by preferences: preferred is preferred.
    reference: K, the point that was subtracted from each value: the first value of the test, 0 for a bool key.
    min_effect: the smallest difference worth knowing, in the units of the key (for preferences: of the win rate from
        one half); None never ends a test as equivalent or futile.
    max_feedbacks: units (for preferences: comparisons) per variant after which the test ends without a winner; None
        never does.
    """

    alpha: float = 0.05
    tuning: float = 1000.0
    kind: Kind = "scalar"
    lower_is_better: bool = False
    reference: float = 0.0
    min_effect: float | None = None
    max_feedbacks: int | None = 10_000

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 0.25:
            raise ValueError(f"alpha must be above 0 and at most 0.25, not {self.alpha}")
        if not (self.tuning > 0 and isfinite(self.tuning)):
            raise ValueError(f"tuning must be a positive number of units, not {self.tuning}")
        if not isfinite(self.reference) or (self.kind == "bool" and self.reference):
            raise ValueError(f"the reference of a {self.kind} key cannot be {self.reference}")
        if self.min_effect is not None and not (self.min_effect > 0 and isfinite(self.min_effect)):
            raise ValueError(f"min_effect must be positive, not {self.min_effect}")
        if self.max_feedbacks is not None and self.max_feedbacks < 1:
            raise ValueError(f"max_feedbacks must be at least 1, not {self.max_feedbacks}")

    def pair_alpha(self, variants: int) -> float:
        """The two-sided level of one pair: 2 alpha / k, so that the union over the k possible winners holds alpha.

        A false winner i has beaten some best variant j(i) in the wrong direction: P <= k * (2 alpha / k) / 2 = alpha.
        Raises ValueError unless there are 2 to 10 variants.
        """
        if not FEWEST_VARIANTS <= variants <= MOST_VARIANTS:
            raise ValueError(f"a test has {FEWEST_VARIANTS} to {MOST_VARIANTS} variants, not {variants}")
        return 2 * self.alpha / variants

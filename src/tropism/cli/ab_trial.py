"""`tropism ab simulate`: simulated tests with a bar that says how far they are, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.progress import track
from rich.text import Text

from tropism.cli import show
from tropism.cli.ab_simulation import Score, Setting, score, simulate
from tropism.sdk.errors import TropismError


@dataclass(frozen=True)
class Trial:
    """What came of the tests, under our rule and under the polled t-test."""

    setting: Setting
    tests: int
    scores: dict[str, Score]

    def picture(self) -> RenderableType:
        columns = ["Looked at after every feedback", ">Wrong winner", ">Median feedbacks", ">Right winner"]
        names = {"tropism": "Tropism", "t_test": "t-test, p < 0.05"}
        rows = [
            (names[rule], _share(each.wrong, each.wrong_error), f"{each.median_feedbacks:,.0f}", _right(each))
            for rule, each in self.scores.items()
        ]
        shown = 4 if self.setting.effect else 3
        return Group(
            show.table(columns[:shown], [row[:shown] for row in rows], ""), Text(), Text(self._explained(), "dim")
        )

    def _explained(self) -> str:
        truth = f"the last better by {self.setting.effect:g}" if self.setting.effect else "all equal"
        return (
            f"{self.tests:,} tests of {self.setting.variants} variants, {truth}; each ends with a winner, or after "
            f"{self.setting.feedbacks:,} feedbacks per variant. After ± stands the Monte-Carlo standard error."
        )


def run(
    tests: int,
    seed: int,
    *,
    rate: float | None,
    mean: float | None,
    sd: float,
    lognormal: bool,
    ties: float,
    effect: float,
    variants: int,
    feedbacks: int,
) -> Trial:
    """Simulate the tests. The bar is on stderr, and only in a terminal."""
    if tests < 1:
        raise TropismError("--tests must be above zero.")
    try:
        setting = Setting(
            rate=rate,
            mean=mean,
            sd=sd,
            lognormal=lognormal,
            ties=ties,
            effect=effect,
            variants=variants,
            feedbacks=feedbacks,
        )
    except ValueError as error:
        raise TropismError(str(error)) from None
    screen = Console(stderr=True)
    bar = track(
        simulate(setting, tests, seed),
        "Simulating",
        total=tests,
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )
    ours, polled = zip(*bar, strict=True)
    return Trial(setting, tests, {"tropism": score(setting, ours), "t_test": score(setting, polled)})


def _right(found: Score) -> str:
    return _share(found.right, found.right_error)


def _share(share: float, error: float) -> str:
    return f"{share:.1%} ± {error:.1%}"

"""What the scores of a judge are worth: accuracy with its interval, and the area under the curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.judges.labelled import Labelled
from tropism.stats.agreement import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One judge on one set: a score per sample (None where it abstained), and what that cost."""

    name: str
    scores: Sequence[float | None]
    calls: int
    tokens: int
    seconds: float


def row(run: Run, samples: Sequence[Labelled], good_from: float) -> list[str]:
    """The cells of the run's line in the table."""
    judged = [(sample.good, score) for sample, score in zip(samples, run.scores, strict=True) if score is not None]
    right = sum((score >= good_from) == good for good, score in judged)
    low, high = wilson(right, len(judged)) if judged else (0.0, 1.0)
    accuracy = f"{right / len(judged):.2f} ({low:.2f} to {high:.2f})" if judged else "none judged"
    chance = "chance" if low <= 0.5 <= high else "better" if low > 0.5 else "worse"
    count = len(samples)
    return [
        run.name,
        accuracy,
        f"{auc(judged):.2f}" if judged else "",
        chance,
        f"{count - len(judged)} of {count}",
        f"{run.calls / count:.1f}",
        f"{run.tokens / count:,.0f}",
        f"{run.seconds / count:.1f}",
    ]


HEAD = (
    "judge",
    "accuracy (95 %)",
    "AUC",
    "against chance",
    "abstained",
    "calls per sample",
    "tokens per sample",
    "s per sample",
)


def auc(judged: Sequence[tuple[bool, float]]) -> float:
    """The chance that a good sample scores above a bad one, ties one half."""
    good = [score for is_good, score in judged if is_good]
    bad = [score for is_good, score in judged if not is_good]
    if not good or not bad:
        return float("nan")
    wins = sum((one > other) + (one == other) / 2 for one in good for other in bad)
    return wins / len(good) / len(bad)

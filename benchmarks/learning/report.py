"""The figures of one method, as cells of the tables."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from benchmarks.learning.answers import BASE, Answers
from benchmarks.learning.figures import Estimate, difference, mean, p_value, speed
from benchmarks.learning.methods import Task
from benchmarks.learning.race import OURS, Raced

SIGNIFICANT = 0.01
LARGEST_LOSS = 1.1
"""The loss on plain English may rise by this factor; a model that has collapsed loses several times as much."""
SHOWN = 2

LEARNT_HEAD = (
    *("method", "target, on held-out prompts", "prompts", "before", "after", "gained (95 %)", "p"),
    *("KL per token", "loss on plain English", "different answers"),
)
SPEED_HEAD = (
    *("method", "beside it", "steps timed", "s per step, ours", "s per step, plain", "steps/s ÷ plain (95 %)"),
    *("CPU-s ÷ plain", "steps with the same loss", "minutes", "measured"),
)


class Row(Struct, frozen=True, kw_only=True):
    """One method: whether it has learnt, and its lines of the two tables."""

    name: str
    gained: Estimate
    p: float
    kept: bool
    learnt: list[str]
    speeds: list[list[str]]


def row(name: str, task: Task, raced: Raced, seconds: float) -> Row:
    before, after = (_scores(task, raced.answers[model]) for model in (BASE, OURS))
    gained, p = difference(before, after), p_value(before, after)
    base, ours = raced.answers[BASE], raced.answers[OURS]
    different = len({answer.text for answer in ours.answers})
    return Row(
        name=name,
        gained=gained,
        p=p,
        kept=ours.control <= LARGEST_LOSS * base.control,
        learnt=[
            *(name, task.target, str(len(before)), _interval(mean(before)), _interval(mean(after)), _interval(gained)),
            *(f"{p:.5f}", f"{ours.kl:.2f}", f"{base.control:.2f} → {ours.control:.2f}"),
            f"{different} of {len(ours.answers)}",
        ],
        speeds=[_speed(name, task, raced, number, seconds) for number in range(len(raced.stages))],
    )


def learnt(row: Row) -> bool:
    """Whether the gain is no chance, and the model still knows its language."""
    return row.gained.low > 0 and row.p < SIGNIFICANT and row.kept


def examples(task: Task, raced: Raced) -> Iterator[str]:
    """A few answers before and after."""
    for number in range(SHOWN):
        yield f"{task.prompts[number]!r}"
        for model in (BASE, OURS):
            yield f"    {model}: {raced.answers[model].answers[number].text!r}"


def _speed(name: str, task: Task, raced: Raced, number: int, seconds: float) -> list[str]:
    ours, plain = raced.stages[number]
    ratio = speed(ours.seconds, plain.seconds)
    two = len(raced.stages) > 1
    return [
        f"{name}, {task.stages[number].method}" if two else name,
        task.beside.split(", then ")[number] if two else task.beside,
        str(len(ours.seconds)),
        f"{sum(ours.seconds) / len(ours.seconds):.2f}",
        f"{sum(plain.seconds) / len(plain.seconds):.2f}",
        _interval(ratio),
        f"{sum(ours.cpu_seconds) / sum(plain.cpu_seconds):.2f}",
        f"{_equal(ours.losses(), plain.losses())} of {len(ours.losses())}",
        "" if number else f"{seconds / 60:.0f}",
        "" if number else f"{datetime.now(UTC).date()}, load average {os.getloadavg()[2]:.0f}",
    ]


def _equal(ours: Sequence[float], plain: Sequence[float]) -> int:
    return sum(math.isclose(one, other, abs_tol=1e-6) for one, other in zip(ours, plain, strict=True))


def _scores(task: Task, found: Answers) -> list[float]:
    pairs = zip(found.answers, task.metadata, strict=True)
    return [task.rule(answer.text, answer.is_finished, metadata) for answer, metadata in pairs]


def _interval(found: Estimate) -> str:
    return f"{found.middle:.2f} ({found.low:.2f} to {found.high:.2f})"

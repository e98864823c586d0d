"""Users who stay with their variant and give feedback again and again: the unit must be the user."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity import rules
from benchmarks.ab_validity.batch import BatchSums, winners
from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.rules import Seen
from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.stream import TESTS, Endings
from benchmarks.ab_validity.table import markdown, rate
from tropism.stats import Plan

Floats = NDArray[np.float64]
USERS = 8
"""Users of one block."""


def users(size: Size, seed: int, goals: Goals) -> str:
    rows = []
    for kind in ("normal", "bool 0.3"):
        for icc, each in ((0.1, 20), (0.3, 20), (0.3, 100)):
            ends = _run(kind, icc, each, size, seed + 11)
            tests = len(ends["users"].looks)
            rows.append([kind, f"{icc:g}", str(each), *(rate(int(np.sum(e.looks > 0)), tests) for e in ends.values())])
            name = f"{kind}, ICC {icc:g}, {each} each"
            hits = int(np.sum(ends["users"].looks > 0))
            goals.rate("false winners, users with many feedbacks, %", hits, tests, 5, name)
    tests = -(-size.users // TESTS) * TESTS
    return markdown(
        "False winners among users with many feedbacks each, % of tests",
        ["feedback", "correlation within a user", "feedbacks per user", "Tropism", "the same, per feedback", "t-test"],
        rows,
        f"{size.feedbacks:,} feedbacks per test, {tests:,} tests per row, equal variants, a look after every feedback. "
        "Each user stays with a variant; the last two rules take feedbacks for independent.",
    )


def _values(random: np.random.Generator, kind: str, icc: float, shape: tuple[int, int, int]) -> Floats:
    tests, count, each = shape
    if kind == "normal":
        taste = random.normal(0, icc**0.5, (tests, count, 1))
        return np.asarray(taste + random.normal(0, (1 - icc) ** 0.5, shape))
    spread = 1 / icc - 1
    chance = random.beta(0.3 * spread, 0.7 * spread, (tests, count, 1))
    return (random.random(shape) < chance).astype(np.float64)


def _run(kind: str, icc: float, each: int, size: Size, seed: int) -> dict[str, Endings]:
    endings = {name: Endings.none(0) for name in ("users", "single", "t")}
    plan = Plan()
    for part in np.random.SeedSequence(seed).spawn(-(-size.users // TESTS)):
        random, group = np.random.default_rng(part), {name: Endings.none(TESTS) for name in endings}
        carry = [nothing(), nothing()]
        single = np.zeros((2, 4, TESTS, 1))
        for first in range(1, size.feedbacks + 1, USERS * each):
            values = _values(random, kind, icc, (TESTS, USERS, each))
            side = random.integers(2, size=(TESTS, USERS, 1))
            clustered, plain = [], []
            for i in range(2):
                here = np.broadcast_to((side == i).astype(np.float64), values.shape)
                sums, carry[i] = clustered_sums(values, here, carry[i])
                clustered.append(sums)
                rows = [flat(here), flat(values * here), flat(values**2 * here), flat(values**3 * here)]
                running = np.cumsum(np.stack(rows), axis=2) + single[i]
                single[i] = running[:, :, -1:]
                plain.append(BatchSums.single(*running))
            with np.errstate(all="ignore"):
                group["users"].note(first, winners(clustered, plan))
                group["single"].note(first, winners(plain, plan))
                group["t"].note(first, rules.t_test(Seen(plain, is_bool=False)))
        endings = {name: endings[name] + group[name] for name in endings}
    return endings


def clustered_sums(values: Floats, here: Floats, carry: BatchSums) -> tuple[BatchSums, BatchSums]:
    """Sums after every feedback: the users before, and the present one as far as he has come."""
    n = np.broadcast_to(np.arange(1.0, values.shape[2] + 1), values.shape) * here
    s = np.cumsum(values, axis=2) * here
    powers = (here, n, s, n * n, n * s, s * s, n * n * n, n * n * s, n * s * s, s * s * s)
    after, last = [], []
    for power, field in zip(powers, fields(BatchSums), strict=True):
        before = np.cumsum(power[:, :, -1], axis=1)
        whole = getattr(carry, field.name)
        earlier = np.concatenate([np.zeros((len(before), 1)), before[:, :-1]], axis=1)
        after.append(flat(power + earlier[:, :, None] + whole[:, :, None]))
        last.append(whole + before[:, -1:])
    return BatchSums(*after), BatchSums(*last)


def nothing() -> BatchSums:
    return BatchSums(*(np.zeros((TESTS, 1)) for _ in fields(BatchSums)))


def flat(values: Floats) -> Floats:
    return values.reshape(len(values), -1)

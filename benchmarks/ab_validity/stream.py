"""Simulated tests: feedback arrives at random variants; the sums after every feedback, in blocks of looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity.batch import BatchSums
from benchmarks.ab_validity.laws import Law
from benchmarks.ab_validity.rules import Rule, Seen

TESTS, LOOKS = 250, 128
"""Tests and looks of one block: small enough for the processor's cache."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One law per variant, the shares of traffic, and the number of feedbacks in all."""

    laws: Sequence[Law]
    weights: Sequence[float]
    total: int


@dataclass(frozen=True, slots=True)
class Block:
    """The sums of each variant, of shape (tests, looks), and the number of the first look."""

    first: int
    seen: Seen


def blocks(setup: Setup, random: np.random.Generator, tests: int = TESTS) -> Iterator[Block]:
    """All looks of some tests. Each feedback goes to a variant at random, as a hash of the request would send it."""
    is_bool, carry = all(law.is_bool for law in setup.laws), np.zeros((len(setup.laws), 4, tests, 1))
    for first in range(1, setup.total + 1, LOOKS):
        shape = (tests, min(LOOKS, setup.total + 1 - first))
        assigned = np.searchsorted(np.cumsum(setup.weights)[:-1], random.random(shape), side="right")
        variants = []
        for i, law in enumerate(setup.laws):
            mine, value = assigned == i, law.draw(random, shape)
            sums, carry[i] = running(mine, np.where(mine, value, 0.0), carry[i], is_bool)
            variants.append(BatchSums.single(*sums))
        yield Block(first, Seen(variants, is_bool))


def running(
    mine: NDArray[np.bool_], value: NDArray[np.float64], carry: NDArray[np.float64], is_bool: bool
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """The sums after each of these looks, and those after the last of them."""
    n = np.cumsum(mine, axis=1) + carry[0]
    s = np.cumsum(value, axis=1) + carry[1]
    ss = s if is_bool else np.cumsum(value * value, axis=1) + carry[2]
    sss = s if is_bool else np.cumsum(value * value * value, axis=1) + carry[3]
    sums = [n, s, ss, sss]
    return sums, np.stack([each[:, -1:] for each in sums])


@dataclass(slots=True)
class Endings:
    """Per test: the first look at which a rule named a winner (0: never), and which one."""

    looks: NDArray[np.int64]
    winners: NDArray[np.int64]

    @classmethod
    def none(cls, tests: int) -> Endings:
        return cls(np.zeros(tests, dtype=np.int64), np.full(tests, -1, dtype=np.int64))

    def note(self, first: int, named: NDArray[np.int64], every: int = 1) -> None:
        """Take in a block of looks, of which only each `every`-th is made."""
        looks = np.arange(first, first + named.shape[1])
        hit = (named >= 0) & (looks % every == 0)
        when = hit.argmax(axis=1)
        new = hit.any(axis=1) & (self.looks == 0)
        self.looks[new] = looks[when[new]]
        self.winners[new] = named[new, when[new]]

    def __add__(self, other: Endings) -> Endings:
        return Endings(np.concatenate([self.looks, other.looks]), np.concatenate([self.winners, other.winners]))


@dataclass(frozen=True, slots=True)
class Look:
    """A rule and how often it is asked: at each `every`-th feedback."""

    rule: Rule
    every: int = 1


def run(setup: Setup, asked: dict[str, Look], tests: int, seed: int) -> dict[str, Endings]:
    """How each rule ended each test; all rules see the same data. Stops early where all have ended."""
    endings = {name: Endings.none(0) for name in asked}
    with np.errstate(all="ignore"):  # a variant without feedback yet divides by zero; no rule looks at it
        return _run(setup, asked, tests, seed, endings)


def _run(
    setup: Setup, asked: dict[str, Look], tests: int, seed: int, endings: dict[str, Endings]
) -> dict[str, Endings]:
    for part in np.random.SeedSequence(seed).spawn(-(-tests // TESTS)):
        group = {name: Endings.none(TESTS) for name in asked}
        for block in blocks(setup, np.random.default_rng(part)):
            for name, look in asked.items():
                group[name].note(block.first, look.rule(block.seen), look.every)
            if all(ending.looks.all() for ending in group.values()):
                break
        endings = {name: endings[name] + group[name] for name in asked}
    return endings

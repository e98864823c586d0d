"""`python -m benchmarks.ab_validity`: simulates A/B tests under every rule and prints the tables as markdown."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.ab_validity import (
    check,
    coverage,
    delays,
    guardrails,
    null,
    page,
    power,
    preferences,
    shipped,
    split,
    users,
    voters,
)
from benchmarks.ab_validity.agreement import agreement
from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.size import FULL, QUICK, Size


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 unless a goal is missed by more than two standard errors."""
    options = _options(arguments)
    size, goals = QUICK if options.quick else FULL, Goals()
    checks = "" if options.only else _checks(size, options.seed, goals)
    tables = _measured(_tables(size, options.seed, goals), options.only)
    print(checks, goals.table(), sep="\n\n")
    if options.write and options.only:
        page.merge(tables, goals.table())
    elif options.write:
        command = f"python -m benchmarks.ab_validity{' --quick' if options.quick else ''} --seed {options.seed}"
        said = f"Measured by `{command}`; ± is one standard error of the simulation."
        page.write("\n".join([said, "", checks, *tables, goals.table()]))
    return 1 if any(worst.met == "NO" for worst in goals.worst.values()) else 0


def _measured(tables: Mapping[str, Callable[[], str]], only: Sequence[str]) -> list[str]:
    """The tables, each printed as soon as it is there."""
    made = []
    for name in only or tables:
        start = time.process_time()
        made.append(tables[name]())
        print(f"{made[-1]}\n({name}: {time.process_time() - start:.0f} s)\n", flush=True)
    return made


def _checks(size: Size, seed: int, goals: Goals) -> str:
    states = size.states // 5
    found = preferences.check(states, seed) + voters.check(states, seed)
    exact = f"The preference tables equal it on {2 * states:,} more ({found:,} with a winner)."
    return f"{check.check(states, seed)} {exact} {agreement(size.states, seed, goals)}\n"


def _tables(size: Size, seed: int, goals: Goals) -> dict[str, Callable[[], str]]:
    longest = 10_000 if size is FULL else 1000
    return {
        "equal": lambda: null.two_equal(size, seed, goals),
        "tails": lambda: null.unequal_tails(size, seed, goals),
        "many": lambda: null.many(size, seed, goals),
        "tied": lambda: null.two_tied_best(size, seed, goals),
        "preferences": lambda: preferences.preferences(size, seed, goals),
        "users": lambda: users.users(size, seed, goals),
        "voters": lambda: voters.voters(size, seed, goals),
        "guardrails": lambda: guardrails.guardrails(size, seed, goals),
        "wrong-way": lambda: null.wrong_way(size, seed, goals),
        "shipped": lambda: shipped.shipped(size, seed),
        "coverage": lambda: coverage.coverage(size, seed, goals),
        "power": lambda: power.power(size, seed, goals, longest),
        "preference-power": lambda: preferences.preference_power(size, seed, goals),
        "delays": lambda: delays.delays(size, seed, goals),
        "split": lambda: split.split(size, seed, goals),
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ab_validity", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter tests")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (1)")
    parser.add_argument(
        "--only", action="append", default=[], choices=_tables(QUICK, 1, Goals()), help="this table alone"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into the documentation page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

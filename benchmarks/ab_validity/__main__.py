"""`python -m benchmarks.ab_validity`: simulates A/B tests under every rule and prints the tables as markdown."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.ab_validity import check, coverage, guardrails, null, power, preferences, shipped, users, voters
from benchmarks.ab_validity.agreement import agreement
from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.size import FULL, QUICK, Size

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "ab-statistics.md"
BEGIN, END = "<!-- ab_validity: begin -->", "<!-- ab_validity: end -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 unless a goal is missed by more than two standard errors."""
    options = _options(arguments)
    size, goals = QUICK if options.quick else FULL, Goals()
    parts = [_checks(size, options.seed, goals)]
    for table in _tables(size, options.seed, goals):
        start = time.process_time()
        parts.append(table())
        print(f"{parts[-1]}\n({time.process_time() - start:.0f} s)\n", flush=True)
    parts.append(goals.table())
    print(parts[0], parts[-1], sep="\n\n")
    if options.write:
        command = f"python -m benchmarks.ab_validity{' --quick' if options.quick else ''} --seed {options.seed}"
        _write("\n".join([f"Measured by `{command}`; ± is one standard error of the simulation.", "", *parts]))
    return 1 if any(worst.met == "NO" for worst in goals.worst.values()) else 0


def _checks(size: Size, seed: int, goals: Goals) -> str:
    states = size.states // 5
    found = preferences.check(states, seed) + voters.check(states, seed)
    exact = f"The preference tables equal it on {2 * states:,} more ({found:,} with a winner)."
    return f"{check.check(states, seed)} {exact} {agreement(size.states, seed, goals)}\n"


def _tables(size: Size, seed: int, goals: Goals) -> list[Callable[[], str]]:
    longest = 10_000 if size is FULL else 1000
    return [
        lambda: null.two_equal(size, seed, goals),
        lambda: null.unequal_tails(size, seed, goals),
        lambda: null.many(size, seed, goals),
        lambda: null.two_tied_best(size, seed, goals),
        lambda: preferences.preferences(size, seed, goals),
        lambda: users.users(size, seed, goals),
        lambda: voters.voters(size, seed, goals),
        lambda: guardrails.guardrails(size, seed, goals),
        lambda: null.wrong_way(size, seed, goals),
        lambda: shipped.shipped(size, seed),
        lambda: coverage.coverage(size, seed, goals),
        lambda: power.power(size, seed, goals, longest),
        lambda: preferences.preference_power(size, seed, goals),
    ]


def _write(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text.rstrip()}\n\n{END}{after}", encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ab_validity", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter tests")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (1)")
    parser.add_argument("--write", action="store_true", help="put the tables into the documentation page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

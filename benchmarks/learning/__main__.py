"""`python -m benchmarks.learning`: trains by each method, and prints what that was worth."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from benchmarks.learning import base, page
from benchmarks.learning.methods import TASKS
from benchmarks.learning.race import race
from benchmarks.learning.report import Row, examples, learnt, row
from benchmarks.learning.turns import RunFailed
from tropism.trainers import protocol


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when every method has improved what it was for, and kept its language."""
    options = _options(arguments)
    if missing := protocol.missing_packages():
        print(f"{', '.join(missing)} are not installed: make setup-train", file=sys.stderr)
        return 1
    began, rows = time.monotonic(), []
    model = base.prepare()
    for name in options.only or TASKS:
        try:
            rows.append(_measured(name, model))
        except RunFailed as error:
            print(error, file=sys.stderr)
            return 1
    minutes = (time.monotonic() - began) / 60
    print(page.text(rows), f"It took {minutes:.0f} minutes.", sep="\n")
    if options.write:
        page.write()
    return 0 if all(learnt(row) for row in rows) else 1


def _measured(name: str, model: base.Base) -> Row:
    began = time.monotonic()
    print(f"{name}: {TASKS[name].target} ...", flush=True)
    raced = race(TASKS[name], model, base.BENCH / name.lower())
    made = row(name, TASKS[name], raced, time.monotonic() - began)
    page.keep(made)
    print(page.text([made]), *examples(TASKS[name], raced), sep="\n", flush=True)
    return made


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(TASKS), help="only this method; may be repeated")
    parser.add_argument("--write", action="store_true", help="put the rows into benchmarks/README.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

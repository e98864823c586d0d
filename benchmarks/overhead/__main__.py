"""`python -m benchmarks.overhead`: starts all systems, loads them in turn, prints the comparison."""

from __future__ import annotations

import argparse
import contextlib
import platform
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import markdown
from benchmarks.overhead import child, load, machine, nginx, report, rounds, systems
from benchmarks.overhead.failure import BenchmarkError
from benchmarks.overhead.rounds import Measured, Plan

ROOT = Path(__file__).parents[2]
BENCH = ROOT / ".bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 only when every request was answered and every answer was logged."""
    options = _options(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _run(options)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; everything that was started is stopped.", file=sys.stderr)
        return 130


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--rounds", type=_positive, default=3, help="loads of each kind per system (default 3)")
    parser.add_argument("--seconds", type=_positive, default=5, help="length of one load (default 5)")
    parser.add_argument("--connections", type=_positive, default=32, help="for the busy loads (default 32)")
    parser.add_argument("--skip", action="append", choices=systems.NAMES, default=[], help="leave a system out")
    parser.add_argument("--beside", type=Path, help="another checkout that is set up: is this one slower?")
    parser.add_argument("--write", action="store_true", help="put the result into benchmarks/README.md")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _interrupt(number: int, frame: object) -> None:
    """Stops once: a second signal must not leave servers behind while the first is being obeyed."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(options: argparse.Namespace) -> int:
    plan = Plan(rounds=options.rounds, seconds=options.seconds, connections=options.connections)
    for name in ("nginx", "wrk"):
        child.tool(name)
    BENCH.mkdir(exist_ok=True)
    on = f"{machine.description()}; {machine.disk(BENCH)}"
    with contextlib.ExitStack() as stack:
        names = [name for name in systems.NAMES if name not in options.skip]
        started = systems.start(stack, names, options.beside, BENCH)
        measured = dict(zip(started, rounds.measure(list(started.values()), plan), strict=True))
        kept, logs = _logs(list(measured.values()))
    failures = [f"{each.system.name}: {each.failures} requests failed." for each in measured.values() if each.failures]
    mock = measured.pop("mock")
    lines = [*report.remarks(mock, measured), *logs, *failures]
    result = "\n\n".join(
        [f"Measured {on}. {_versions()} {_conditions(plan)}", report.tables(mock, measured), _bullets(lines)]
    ).strip()
    print(result)
    if options.write:
        markdown.write("overhead", result)
    return 0 if kept and not failures else 1


def _logs(measured: Sequence[Measured]) -> tuple[bool, list[str]]:
    """Whether all promises were kept, and what is in the logs."""
    kept, lines = True, []
    for each in measured:
        if each.system.logged:
            is_kept, line = _log(each, each.system.logged())
            kept = kept and is_kept
            lines.append(line)
    return kept, lines


def _log(measured: Measured, logged: int) -> tuple[bool, str]:
    """What is logged before the answer must be there; what was cut off at the end of a load may be."""
    answers, allowed = rounds.answered(measured), rounds.cut_off(measured)
    line = f"{measured.system.name} logged {logged:,} for {answers:,} answers"
    if measured.system.logs != "each, before the answer":
        return True, f"{line}."
    kept = answers <= logged <= answers + allowed
    verdict = "every answer was logged" if kept else "THE PROMISE IS BROKEN"
    return kept, f"{line}: {verdict} (up to {allowed} more were under way when a load ended)."


def _versions() -> str:
    return f"Python {platform.python_version()}, nginx {nginx.version()}, wrk {load.version()}."


def _conditions(plan: Plan) -> str:
    return (
        f"Interleaved rounds: {plan.rounds}, loads of {plan.seconds} s; {plan.connections} connections, "
        f"{rounds.STREAMS} for streams, twice what the rate needs (up to {rounds.MOST_WAITING}) where the mock waits; "
        f"calm: {load.CALM.connections} connections that pause {load.CALM.pause_ms} ms on average."
    )


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


if __name__ == "__main__":
    sys.exit(main())

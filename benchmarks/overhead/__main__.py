"""`python -m benchmarks.overhead`: starts all systems, loads them in turn, prints the comparison."""

from __future__ import annotations

import argparse
import contextlib
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.overhead import child, litellm, load, machine, nginx, report, rounds, tropism
from benchmarks.overhead.failure import BenchmarkError
from benchmarks.overhead.rounds import Measured, Plan
from benchmarks.overhead.system import System

ROOT = Path(__file__).parents[2]
BENCH = ROOT / ".bench"
README = ROOT / "benchmarks" / "README.md"
SKIPPABLE = ("nginx", "tropism", "litellm")


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
    parser.add_argument("--rounds", type=_positive, default=5, help="loads of each kind per system (default 5)")
    parser.add_argument("--seconds", type=_positive, default=10, help="length of one load (default 10)")
    parser.add_argument("--connections", type=_positive, default=32, help="for the throughput loads (default 32)")
    parser.add_argument("--skip", action="append", choices=SKIPPABLE, default=[], help="leave a system out")
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
    on = machine.description()
    with contextlib.ExitStack() as stack:
        systems = _start(stack, [name for name in SKIPPABLE if name not in options.skip], options.beside)
        measured = dict(zip(systems, rounds.measure(list(systems.values()), plan), strict=True))
        kept, promise = _promise(measured["tropism"], plan) if "tropism" in measured else (True, "")
    failures = [f"{each.system.name}: {each.failures} requests failed." for each in measured.values() if each.failures]
    mock = measured.pop("mock")
    lines = [*report.remarks(mock, measured), *([promise] if promise else []), *failures]
    result = "\n\n".join(
        [f"Measured {on}. {_versions()} {_conditions(plan)}", report.table(mock, measured), _bullets(lines)]
    ).strip()
    print(result)
    if options.write:
        report.write(README, result)
    return 0 if kept and not failures else 1


def _start(stack: contextlib.ExitStack, names: list[str], beside: Path | None) -> dict[str, System]:
    """The mock and the named systems, stopped in turn when the stack closes. Data lies on the checkout's own disk."""
    BENCH.mkdir(exist_ok=True)
    command = litellm.install(BENCH) if "litellm" in names else None
    run = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=BENCH)))
    places = ("mock", *SKIPPABLE, "beside")
    ports = dict(zip(places, child.free_ports(len(places)), strict=True))
    homes = {name: run / name for name in ports}
    for home in homes.values():
        home.mkdir()
    upstream = ports["mock"]
    systems = {"mock": stack.enter_context(nginx.mock(homes["mock"], upstream))}
    if "nginx" in names:
        systems["nginx"] = stack.enter_context(nginx.proxy(homes["nginx"], ports["nginx"], upstream))
    if "tropism" in names:
        systems["tropism"] = stack.enter_context(tropism.server(homes["tropism"], ports["tropism"], upstream))
    if beside:
        other = tropism.server(homes["beside"], ports["beside"], upstream, beside)
        systems["beside"] = stack.enter_context(other)
    if command:
        proxy = litellm.proxy(command, homes["litellm"], ports["litellm"], upstream)
        systems["litellm"] = stack.enter_context(proxy)
    return systems


def _promise(measured: Measured, plan: Plan) -> tuple[bool, str]:
    """Every answered request must be logged; those cut off at the end of a load may be."""
    time.sleep(rounds.REST_SECONDS)
    answers, allowed = rounds.answered(measured), rounds.cut_off(measured, plan)
    logged = tropism.logged(measured.system)
    kept = answers <= logged <= answers + allowed
    verdict = "every answer was logged" if kept else "THE PROMISE IS BROKEN"
    return kept, (
        f"Tropism logged {logged:,} interactions for {answers:,} answers: {verdict} "
        f"(up to {allowed} more were under way when a load ended)."
    )


def _versions() -> str:
    return f"Python {platform.python_version()}, nginx {nginx.version()}, wrk {load.version()}."


def _conditions(plan: Plan) -> str:
    return (
        f"Interleaved rounds: {plan.rounds}, loads of {plan.seconds} s; throughput at {plan.connections} connections, "
        f"latency at {load.CALM_CONNECTIONS} connections that pause {load.CALM_PAUSE_MS} ms on average."
    )


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


if __name__ == "__main__":
    sys.exit(main())

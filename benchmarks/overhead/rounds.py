"""The order of the loads: every system once per round and kind, each round beginning with another one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

import msgspec

from benchmarks.overhead.load import CALM, Load, Pace, run, steady
from benchmarks.overhead.processes import resident_bytes
from benchmarks.overhead.system import CHECKS, Ask, System, check

WARM_UP_SECONDS = 2
MOCK_SECONDS = 2
WAIT_MS = 50
# Few, so that a slow system, which does all at once, ends some before the load ends.
STREAMS = 8
MOST_WAITING = 512

Kind = Literal["busy", "waiting", "streamed", "calm", "half"]
KINDS: tuple[Kind, ...] = ("busy", "waiting", "streamed", "calm", "half")
PLAIN = Ask()
ASKS: dict[Kind, Ask] = {"waiting": Ask(wait_ms=WAIT_MS), "streamed": Ask(stream=True)}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much to load, and from how many connections."""

    rounds: int
    seconds: int
    connections: int


class Measured(msgspec.Struct, kw_only=True):
    """All loads of one system, in the order of the rounds."""

    system: System
    warm_up: Load
    loads: dict[Kind, list[Load]]
    mock_at_half: list[Load]
    """The mock alone, at the rates of this system's `half`."""
    bytes_before: int
    bytes_after: int = 0

    @property
    def all_loads(self) -> list[Load]:
        """Every load that the system saw."""
        return [self.warm_up, *(load for kind in KINDS for load in self.loads[kind])]

    @property
    def failures(self) -> int:
        """Requests that did not end in a 2xx answer."""
        return sum(load.refused + load.broken for load in (*self.all_loads, *self.mock_at_half))


def measure(systems: Sequence[System], plan: Plan) -> list[Measured]:
    """Runs the whole plan. The mock is the first of the systems."""
    measured = [_warm_up(system, plan) for system in systems]
    for number in range(plan.rounds):
        start = number % len(measured)
        order = measured[start:] + measured[:start]
        for kind in KINDS:
            for each in order:
                _load(each, kind, plan, number, systems[0])
    for each in measured:
        each.bytes_after = resident_bytes(each.system.process)
    return measured


def _warm_up(system: System, plan: Plan) -> Measured:
    check(system)
    before = resident_bytes(system.process)
    load = run(system, PLAIN, Pace(connections=plan.connections), WARM_UP_SECONDS)
    return Measured(
        system=system, warm_up=load, loads={kind: [] for kind in KINDS}, mock_at_half=[], bytes_before=before
    )


def _load(measured: Measured, kind: Kind, plan: Plan, number: int, mock: System) -> None:
    system = measured.system
    if kind == "half" and system is mock:
        return
    pace = _pace(measured, kind, plan)
    load = run(system, ASKS.get(kind, PLAIN), pace, plan.seconds)
    measured.loads[kind].append(load)
    _say(system, kind, number, load)
    if kind == "half":
        measured.mock_at_half.append(run(mock, PLAIN, pace, MOCK_SECONDS))


def _pace(measured: Measured, kind: Kind, plan: Plan) -> Pace:
    match kind:
        case "busy":
            return Pace(connections=plan.connections)
        case "streamed":
            return Pace(connections=STREAMS)
        case "calm":
            return CALM
        case "waiting":
            return Pace(connections=_enough(measured, plan))
        case "half":
            return steady(_busy_rate(measured) / 2, measured.loads["calm"][-1].p50_ms)


def _enough(measured: Measured, plan: Plan) -> int:
    """Twice as many connections as its rate without the wait would need, so that others than the mock are busy."""
    return min(MOST_WAITING, max(plan.connections, round(2 * _busy_rate(measured) * WAIT_MS / 1000)))


def _busy_rate(measured: Measured) -> float:
    """In this round; a system that has answered nothing at all is asked slowly."""
    return max(measured.loads["busy"][-1].rate, 1.0)


def _say(system: System, kind: Kind, number: int, load: Load) -> None:
    failed = f", {load.refused + load.broken} failed" if load.refused + load.broken else ""
    print(
        f"round {number + 1}  {kind:8}  {system.name:24} {load.rate:10.1f}/s  {load.cpu_ms:8.3f} ms CPU"
        f"  p50 {load.p50_ms:8.2f} ms  p99 {load.p99_ms:8.2f} ms{failed}",
        file=sys.stderr,
        flush=True,
    )


def answered(measured: Measured) -> int:
    """How many 2xx answers the system gave, with those of the checks before the load."""
    return len(CHECKS) + sum(load.answered for load in measured.all_loads)


def cut_off(measured: Measured) -> int:
    """At most so many requests were under way, unheard of, when a load ended or a connection broke."""
    return sum(load.connections + load.broken for load in measured.all_loads)

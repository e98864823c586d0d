"""The order of the loads: every system once per round, each round beginning with another one."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import msgspec

from benchmarks.overhead.load import CALM_CONNECTIONS, Load, busy, calm
from benchmarks.overhead.system import System, check

WARM_UP_SECONDS = 2
# Lets a system finish what it put off until after its answers, so that the next one does not pay for it.
REST_SECONDS = 1


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much to load, and from how many connections."""

    rounds: int
    seconds: int
    connections: int


class Measured(msgspec.Struct, kw_only=True):
    """All loads of one system, in the order of the rounds."""

    system: System
    warm_up: Load
    busy: list[Load]
    calm: list[Load]

    @property
    def loads(self) -> list[Load]:
        """Every load that the system saw."""
        return [self.warm_up, *self.busy, *self.calm]

    @property
    def failures(self) -> int:
        """Requests that did not end in a 2xx answer."""
        return sum(load.refused + load.broken for load in self.loads)


def measure(systems: Sequence[System], plan: Plan) -> list[Measured]:
    """Runs the whole plan."""
    measured = [_warm_up(system, plan) for system in systems]
    for number in range(plan.rounds):
        start = number % len(measured)
        order = measured[start:] + measured[:start]
        for each in order:
            each.busy.append(_say(each, number, busy(each.system, connections=plan.connections, seconds=plan.seconds)))
        for each in order:
            each.calm.append(_say(each, number, calm(each.system, seconds=plan.seconds)))
    return measured


def _warm_up(system: System, plan: Plan) -> Measured:
    check(system)
    load = busy(system, connections=plan.connections, seconds=WARM_UP_SECONDS)
    return Measured(system=system, warm_up=load, busy=[], calm=[])


def _say(measured: Measured, number: int, load: Load) -> Load:
    failed = f", {load.refused + load.broken} failed" if load.refused + load.broken else ""
    print(
        f"round {number + 1}  {measured.system.name:16} {load.rate:10.1f}/s"
        f"  p50 {load.p50_ms:8.2f} ms  p99 {load.p99_ms:8.2f} ms{failed}",
        file=sys.stderr,
        flush=True,
    )
    time.sleep(REST_SECONDS)
    return load


def answered(measured: Measured) -> int:
    """How many 2xx answers the system gave, with the one of the check before the load."""
    return 1 + sum(load.answered for load in measured.loads)


def cut_off(measured: Measured, plan: Plan) -> int:
    """At most so many requests were under way, unheard of, when a load ended or a connection broke."""
    busy_connections = plan.connections * (1 + len(measured.busy))
    broken = sum(load.broken for load in measured.loads)
    return busy_connections + CALM_CONNECTIONS * len(measured.calm) + broken

"""Who is there and who is gone, whatever clocks say."""

from __future__ import annotations

import pytest

from tropism.server.jobs.presence import Presence

NOON = 1_700_000_000_000
HOUR = 3_600_000


class Watch:
    """A clock that nobody sets but the test."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def presence(watch: Watch) -> Presence:
    return Presence(watch, 60)


@pytest.mark.parametrize(("ago", "seconds"), [(0, 60), (20_000, 40), (61_000, 30), (HOUR, 30), (-HOUR, 30)])
def test_at_the_first_look_nobody_is_gone_who_may_still_give_a_sign(
    presence: Presence, watch: Watch, ago: int, seconds: int
) -> None:
    signs = {"one": NOON - ago}
    assert presence.alive(signs, NOON) == {"one"}
    watch.seconds += seconds - 1
    assert presence.alive(signs, NOON) == {"one"}
    watch.seconds += 1
    assert presence.alive(signs, NOON) == set()


def test_who_has_left_is_gone_at_once(presence: Presence) -> None:
    assert presence.alive({"one": NOON}, NOON) == {"one"}
    assert presence.alive({"one": 0}, NOON) == set()


@pytest.mark.parametrize("jump", [-5 * HOUR, 5 * HOUR])
def test_a_clock_that_jumps_buries_nobody_and_wakes_nobody(presence: Presence, watch: Watch, jump: int) -> None:
    signs = {"lively": NOON, "dead": NOON - HOUR, "dying": NOON}
    assert presence.alive(signs, NOON) == {"lively", "dead", "dying"}
    watch.seconds += 31
    assert presence.alive(signs, NOON + jump) == {"lively", "dying"}
    signs["lively"] = NOON + jump
    watch.seconds += 30
    assert presence.alive(signs, NOON + jump) == {"lively"}


def test_who_has_not_looked_for_long_looks_anew(presence: Presence, watch: Watch) -> None:
    """A sign that came meanwhile is not of this moment."""
    assert presence.alive({"one": NOON}, NOON) == {"one"}
    watch.seconds += 600
    assert presence.alive({"one": NOON + 15_000}, NOON + 600_000) == {"one"}
    watch.seconds += 30
    assert presence.alive({"one": NOON + 15_000}, NOON + 630_000) == set()

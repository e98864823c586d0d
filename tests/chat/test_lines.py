"""Few places for many: the lines of use cases take turns, and who goes away holds up nobody."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from tropism.server.serving.lines import Full, Lines
from tropism.wire.reliability import Concurrency

BUSY, QUIET = UUID(int=1), UUID(int=2)
ONE = Concurrency(at_once=1, waiting=5)


class Visits:
    """Who was let in, in which order, and the tasks that wait or are inside."""

    def __init__(self) -> None:
        self.lines = Lines()
        self.order: list[str] = []

    def come(self, name: str, use_case_id: UUID, says: Concurrency = ONE) -> asyncio.Task[None]:
        async def visit() -> None:
            await self.lines.enter(use_case_id, says)
            self.order.append(name)

        return asyncio.create_task(visit())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_place_that_is_free_is_taken_at_once() -> None:
    lines = Lines()
    two = Concurrency(at_once=2, waiting=0)
    await lines.enter(BUSY, two)
    await lines.enter(BUSY, two)
    with pytest.raises(Full, match="2 requests are at work and 0 wait"):
        await lines.enter(QUIET, two)
    lines.leave()
    await lines.enter(QUIET, two)


async def test_use_cases_take_turns() -> None:
    visits = Visits()
    for name, use_case_id in (("a", BUSY), ("b", BUSY), ("c", BUSY), ("d", BUSY), ("x", QUIET), ("y", QUIET)):
        visits.come(name, use_case_id)
        await settle()
    for _ in range(6):
        visits.lines.leave()
        await settle()
    assert visits.order == ["a", "b", "x", "c", "y", "d"]


async def test_more_than_may_wait_are_refused() -> None:
    visits = Visits()
    waiting = [visits.come(str(number), BUSY) for number in range(6)]
    await settle()
    with pytest.raises(Full, match="1 requests are at work and 5 wait"):
        await visits.lines.enter(QUIET, ONE)
    for task in waiting:
        task.cancel()


async def test_who_goes_away_holds_up_nobody() -> None:
    visits = Visits()
    visits.come("a", BUSY)
    gone = visits.come("gone", BUSY)
    visits.come("b", BUSY)
    await settle()
    gone.cancel()
    await settle()
    visits.lines.leave()
    await settle()
    assert visits.order == ["a", "b"]


async def test_who_goes_away_when_its_turn_comes_passes_it_on() -> None:
    visits = Visits()
    visits.come("a", BUSY)
    gone = visits.come("gone", BUSY)
    visits.come("b", BUSY)
    await settle()
    visits.lines.leave()
    gone.cancel()  # it was let in, and has not noticed yet
    await settle()
    assert visits.order == ["a", "b"]
    assert gone.cancelled()


async def test_more_places_let_more_in_with_the_next_who_comes() -> None:
    visits = Visits()
    for name in "abc":
        visits.come(name, BUSY)
    await settle()
    visits.come("d", BUSY, Concurrency(at_once=3, waiting=5))
    await settle()
    assert visits.order == ["a", "b", "c"]

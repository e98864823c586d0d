"""Work for a caller is cancelled when the caller hangs up, and nothing else is taken for that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tropism.engines.delay import Delay
from tropism.server.web.hang_up import LATER, HungUp, while_connected


class Caller:
    """What the server would hear of one."""

    def __init__(self) -> None:
        self.gone, self.sent = asyncio.Event(), False

    async def receive(self) -> dict[str, Any]:
        if not self.sent:
            self.sent = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}


class Work:
    """What takes a while, and notes how it ended."""

    def __init__(self) -> None:
        self.ended = ""

    async def do(self, seconds: float) -> str:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "done"
        return "answer"


def cancellations() -> int:
    """How often this task was cancelled, and nobody took it back: a later timeout would not know its own from those."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def others() -> set[asyncio.Task[Any]]:
    """The tasks that are left when all have had a turn."""
    await asyncio.sleep(0)
    return asyncio.all_tasks() - {asyncio.current_task()}


@pytest.mark.parametrize("seconds", [LATER / 5, 2 * LATER], ids=["soon", "after a while"])
async def test_work_for_a_caller_who_stays_is_done(seconds: float) -> None:
    caller = Caller()
    assert await while_connected(caller.receive, Work().do(seconds), Delay(LATER)) == "answer"
    await asyncio.sleep(2 * LATER)
    assert caller.sent == (seconds > LATER), "who is answered soon is not watched"
    assert not await others()


@pytest.mark.parametrize("seconds", [0.0, 2 * LATER], ids=["at once", "after a while"])
async def test_who_hangs_up_is_worked_for_no_more(seconds: float) -> None:
    caller, work = Caller(), Work()
    asyncio.get_running_loop().call_later(seconds, caller.gone.set)
    with pytest.raises(HungUp):
        await while_connected(caller.receive, work.do(60), Delay(LATER))
    assert work.ended == "cancelled"
    assert cancellations() == 0
    assert not await others()


async def test_who_is_cancelled_otherwise_has_not_hung_up() -> None:
    work = Work()
    working = asyncio.create_task(while_connected(Caller().receive, work.do(60), Delay(LATER)))
    await asyncio.sleep(2 * LATER)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert work.ended == "cancelled"
    assert not await others()


async def test_a_caller_who_hangs_up_as_the_time_is_up_is_one_of_both() -> None:
    caller = Caller()
    asyncio.get_running_loop().call_later(2 * LATER, caller.gone.set)

    async def impatient() -> None:
        async with asyncio.timeout(2 * LATER):
            await asyncio.sleep(60)

    with pytest.raises((HungUp, TimeoutError)):
        await while_connected(caller.receive, impatient(), Delay(LATER))
    assert cancellations() == 0
    assert not await others()


async def test_what_goes_wrong_is_told() -> None:
    async def fail() -> None:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        await while_connected(Caller().receive, fail(), Delay(LATER))


async def test_work_that_ends_well_all_the_same_leaves_nobody_cancelled() -> None:
    caller = Caller()
    asyncio.get_running_loop().call_later(2 * LATER, caller.gone.set)

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "stored all the same"
        return "never"

    assert await while_connected(caller.receive, stubborn(), Delay(LATER)) == "stored all the same"
    assert cancellations() == 0

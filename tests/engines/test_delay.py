"""Calls on one timer: in their order, each by itself, and not when they were canceled; and blocks that end in time."""

from __future__ import annotations

import asyncio
import gc
import time
from functools import partial

import pytest

from tropism.engines.delay import Delay

SOON = 0.05


async def test_calls_are_made_in_their_order_when_their_time_is_over() -> None:
    delay, made, began = Delay(SOON), list[tuple[str, float]](), time.monotonic()
    for name in "abc":
        delay.call(partial(lambda name: made.append((name, time.monotonic() - began)), name))
        await asyncio.sleep(SOON / 5)
    await asyncio.sleep(2 * SOON)
    assert [name for name, _ in made] == ["a", "b", "c"]
    assert all(at >= SOON + index * SOON / 5 - 0.005 for index, (_, at) in enumerate(made))


async def test_what_was_canceled_is_not_called() -> None:
    delay, made = Delay(SOON), list[str]()
    calls = [delay.call(partial(made.append, name)) for name in "abc"]
    delay.cancel(calls[0])
    delay.cancel(calls[2])
    await asyncio.sleep(2 * SOON)
    assert made == ["b"]
    delay.cancel(calls[1])  # it was called already
    delay.call(lambda: made.append("later"))
    await asyncio.sleep(2 * SOON)
    assert made == ["b", "later"]


async def test_a_call_may_ask_for_another_and_delays_nobody() -> None:
    delay, made = Delay(60), list[str]()

    def again() -> None:
        made.append("first")
        delay.call(lambda: made.append("again"))

    first, second = delay.call(again), delay.call(lambda: made.append("second"))
    first.due = asyncio.get_running_loop().time()
    delay._ring()
    assert made == ["first"]
    assert delay._timer is not None
    assert delay._timer.when() == second.due


async def test_one_that_fails_keeps_nobody_else_from_being_called() -> None:
    delay, made, troubles = Delay(SOON), list[str](), list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _, told: troubles.append(repr(told.get("exception"))))

    def fail() -> None:
        raise ValueError("no such thing")

    delay.call(fail)
    delay.call(lambda: made.append("second"))
    await asyncio.sleep(3 * SOON)
    assert made == ["second"]
    assert troubles == ["ValueError('no such thing')"]


async def test_nobody_who_waits_leaves_no_timer() -> None:
    delay = Delay(SOON)
    delay.cancel(delay.call(lambda: None))
    await asyncio.sleep(2 * SOON)
    assert delay._timer is None


async def test_a_block_that_takes_too_long_is_ended() -> None:
    delay = Delay(SOON)
    with pytest.raises(TimeoutError), delay.limit():
        await asyncio.sleep(60)
    assert left() == 0
    with delay.limit():
        await asyncio.sleep(0)
    await asyncio.sleep(2 * SOON)


async def test_who_cancels_besides_is_obeyed() -> None:
    async def work() -> None:
        with Delay(SOON).limit():
            try:
                await asyncio.sleep(60)
            finally:
                ended.cancel()

    ended = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await ended


async def test_who_was_cancelled_before_and_went_on_is_told_of_the_time() -> None:
    task = asyncio.current_task()
    assert task is not None
    try:
        task.cancel()
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        with pytest.raises(TimeoutError), Delay(SOON).limit():
            await asyncio.sleep(60)
    assert task.uncancel() == 0


async def test_another_error_as_the_time_is_over_is_told_and_nobody_stays_cancelled() -> None:
    async def work() -> None:
        with Delay(SOON).limit():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise ValueError("no such thing") from None

    with pytest.raises(ValueError, match="no such thing"):
        await work()
    assert left() == 0


async def test_of_two_limits_the_one_that_is_over_is_told() -> None:
    inner = False
    with Delay(60).limit():
        try:
            with Delay(SOON).limit():
                await asyncio.sleep(60)
        except TimeoutError:
            inner = True
    assert inner
    assert left() == 0


async def test_what_was_put_off_leaves_no_cycle() -> None:
    delay = Delay(60)
    gc.collect()
    gc.disable()
    try:
        with delay.limit():
            pass
        assert gc.collect() == 0
    finally:
        gc.enable()


def left() -> int:
    """How often this task was cancelled, and nobody took it back."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()

"""What a request leaves behind goes with it: nothing of ours waits until Python looks for garbage in cycles.

It looks seldom (`server/processes/run.py`), and what waits may hold a body of 32 MB.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tropism import AsyncTropism, ConflictError, NotFoundError, RateLimitError
from tropism.server.processes.run import running
from tropism.server.settings import from_environment
from tropism.testing.database import database_of

HELLO: list[Any] = [{"role": "user", "content": "Where is my parcel?"}]
CASE, KEY, TIMES = "parcels", "an-admin-key-for-this-test-alone", 5
Ask = Callable[[AsyncTropism], Awaitable[None]]


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncTropism]:
    """A server in this process, whose garbage can be looked at."""
    monkeypatch.setenv("TROPISM_ADMIN_API_KEY", KEY)
    usual = gc.get_threshold()
    settings = from_environment(
        data=tmp_path, database=database_of(tmp_path), port=0, echo_models=("echo",), bundled_models=False
    )
    async with running(settings) as url, AsyncTropism(url, KEY) as client:
        await client.use_cases.create(CASE, team="default")
        await client.models.attach("echo", make_default=True, wait=True, use_case=CASE)
        yield client
    gc.set_threshold(*usual)
    gc.unfreeze()


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing is looked for: what is not freed with its last reference stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def there() -> Counter[str]:
    """The server's own objects, by their types."""
    kinds = [type(each) for each in gc.get_objects()]
    return Counter(kind.__name__ for kind in kinds if kind.__module__.startswith("tropism.server"))


async def chat(client: AsyncTropism) -> None:
    await client.chat.create(HELLO, use_case=CASE)


async def chat_for_two_answers(client: AsyncTropism) -> None:
    await client.chat.create(HELLO, n=2, use_case=CASE)


async def stream(client: AsyncTropism) -> None:
    async for _ in await client.chat.create(HELLO, stream=True, use_case=CASE):
        pass


async def chat_past_a_limit(client: AsyncTropism) -> None:
    await client.limits.set("tokens", 100, "day", use_case=CASE)
    with pytest.raises(RateLimitError):
        await client.chat.create(HELLO, max_tokens=1000, use_case=CASE)


async def write_to_nothing(client: AsyncTropism) -> None:
    with pytest.raises(NotFoundError):
        await client.interactions.create("an answer", prompt="a question", use_case="nothing")


async def write_what_is_there(client: AsyncTropism) -> None:
    with pytest.raises(ConflictError):
        await client.use_cases.create(CASE, team="default")


@pytest.mark.parametrize(
    "ask", [chat, chat_for_two_answers, stream, chat_past_a_limit, write_to_nothing, write_what_is_there]
)
@pytest.mark.usefixtures("uncollected")
async def test_a_request_leaves_no_cycle(here: AsyncTropism, ask: Ask) -> None:
    await ask(here)
    before = there()
    for _ in range(TIMES):
        await ask(here)
    assert [kind for kind, number in (there() - before).items() if number >= TIMES] == []

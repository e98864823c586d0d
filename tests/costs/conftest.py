"""A provider for the tests of costs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.chat.upstream import Request, Upstream, run_upstream

PRICES = {"input_per_million": 2.0, "output_per_million": 10.0}


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


async def say(request: Request) -> None:
    """An answer of as many tokens as the last message has letters."""
    request.answer("said", read=1_000, written=len(request.body["messages"][-1]["content"]))

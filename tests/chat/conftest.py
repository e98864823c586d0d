"""A provider for the tests of chat."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.chat.upstream import Upstream, run_upstream


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """One provider for all tests of this folder; each registers a model of its own there."""
    with run_upstream() as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our SDK asks again where the engine was only unavailable; here once is enough."""
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)

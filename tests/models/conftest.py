"""A provider for the tests of models, and keys that nobody else uses."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from tests.chat.upstream import Upstream, run_upstream


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


@pytest.fixture
def key() -> str:
    """A key for a new model."""
    return f"model-{uuid4().hex[:12]}"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our SDK asks again where an engine was unavailable, which would hide a request that was lost."""
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)

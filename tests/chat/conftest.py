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

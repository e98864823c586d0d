"""A server with the bundled models, as other people's clients find it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tropism import Tropism
from tropism.testing import RunningServer, run_server


@pytest.fixture(scope="package")
def bundled() -> Iterator[RunningServer]:
    """The language model answers the use case `default`, the embedding model `search`."""
    with run_server(bundled_models=True) as server:
        with Tropism(server.base_url, server.api_key) as client:
            client.models.attach("smollm2-135m-instruct", make_default=True, wait=True, use_case="default")
            client.use_cases.create("search")
            client.models.attach("all-minilm-l6-v2", make_default=True, wait=True, use_case="search")
        yield server

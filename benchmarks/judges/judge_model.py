"""The judge's model behind a Tropism of its own: both sides ask it there, and its log counts calls and tokens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tropism import Tropism
from tropism.testing import RunningServer, run_server

BUNDLED = "smollm2-135m-instruct"
EMBEDDINGS = "all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint elsewhere; the key stands in an environment variable."""

    base_url: str
    model: str
    api_key_env: str


@dataclass(frozen=True, slots=True)
class JudgeModel:
    """Where the model is asked; each use case keeps a count of its own."""

    server: RunningServer
    client: Tropism
    key: str

    def use_case(self, name: str) -> str:
        self.client.use_cases.create(name)
        self.client.models.attach(self.key, make_default=True, wait=True, use_case=name)
        return name

    def embeddings(self) -> str:
        self.client.use_cases.create("embeddings")
        self.client.models.attach(EMBEDDINGS, make_default=True, wait=True, use_case="embeddings")
        return "embeddings"

    def spent(self, use_case: str) -> tuple[int, int]:
        """Calls, and tokens read and written."""
        calls = tokens = 0
        after: str | None = None
        while True:
            page = self.client.interactions.list(
                page={"first": 100, **({"after": after} if after else {})}, use_case=use_case
            )
            calls += len(page.nodes)
            tokens += sum(node.usage.total_tokens for node in page.nodes if node.usage)
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                return calls, tokens


@contextmanager
def judge_model(endpoint: Endpoint | None) -> Iterator[JudgeModel]:
    """The bundled model, or the one at the endpoint."""
    with run_server(echo_models=(), bundled_models=True) as server, Tropism(server.base_url, server.api_key) as client:
        key = BUNDLED if endpoint is None else _external(client, endpoint)
        yield JudgeModel(server, client, key)


def _external(client: Tropism, endpoint: Endpoint) -> str:
    client.models.add_external(
        endpoint.model,
        endpoint.model,
        os.environ.get(endpoint.api_key_env, ""),
        "custom",
        endpoint=endpoint.base_url,
        key="judge",
    )
    return "judge"

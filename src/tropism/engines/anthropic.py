"""Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from tropism.engines.anthropic_answer import AnswerStream, whole_answer
from tropism.engines.anthropic_request import request
from tropism.engines.keepsakes import Keepsakes
from tropism.engines.protocol import (
    Embeddings,
    Engine,
    EngineRejected,
    ModelSource,
    OnState,
    Piece,
    Prompt,
    ignore_state,
)
from tropism.engines.provider import PATIENT, Provider, Timeouts, read_rest, whole

ENDPOINT = "https://api.anthropic.com/v1"
HEADERS = {"anthropic-version": "2023-06-01"}
"""Sent with every request. Extra parameters with these names, or `anthropic-beta`, go there and not into the body.

The version of 2026-10-21 refuses a temperature whatever the model; with this one, models that know it get it.
"""
_IN_HEADERS = (*HEADERS, "anthropic-beta")


class AnthropicEngine(Engine):
    """One of Anthropic's models."""

    def __init__(self, source: ModelSource, *, on_state: OnState = ignore_state, timeouts: Timeouts = PATIENT) -> None:
        self._model = source.external_model_id
        self._provider = Provider(source, ENDPOINT, timeouts)
        self._thoughts = Keepsakes()
        extra = source.extra_params
        self._headers = HEADERS | {name: str(extra[name]) for name in _IN_HEADERS if name in extra}
        self._extra = {name: value for name, value in extra.items() if name not in _IN_HEADERS}

    async def start(self) -> None:
        self._url = self._provider.url("messages")
        key = self._provider.key
        await self._provider.start(self._headers | ({"x-api-key": key} if key else {}))

    async def close(self) -> None:
        await self._provider.close()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        body = request(prompt, self._model, self._extra, self._thoughts)
        if not prompt.stream:
            yield whole_answer(await self._provider.ask(self._url, body), self._thoughts)
            return
        async with self._provider.post(self._url, body, stream=True) as response:
            if response.content_type == "application/json":
                yield whole_answer(await whole(response), self._thoughts)
                return
            answer = AnswerStream(self._thoughts)
            async for chunk in response.content.iter_any():
                for piece in answer.feed(chunk):
                    yield piece
                if answer.done:
                    break
            for piece in answer.end():
                yield piece
            await read_rest(response)

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        raise EngineRejected("Anthropic makes no embeddings; attach an embedding model of another provider")

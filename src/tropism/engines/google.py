"""Google's Gemini API: generateContent and batchEmbedContents."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from tropism.engines.google_answer import AnswerStream, vectors, whole_answer
from tropism.engines.google_request import request
from tropism.engines.keepsakes import Keepsakes
from tropism.engines.protocol import Embeddings, Engine, ModelSource, OnState, Piece, Prompt, ignore_state
from tropism.engines.provider import PATIENT, Provider, Timeouts, whole
from tropism.engines.structured import without_unwanted

ENDPOINT = "https://generativelanguage.googleapis.com/v1beta"


class GoogleEngine(Engine):
    """One of Google's models."""

    def __init__(self, source: ModelSource, *, on_state: OnState = ignore_state, timeouts: Timeouts = PATIENT) -> None:
        self._model = source.external_model_id or ""
        self._path = self._model if "/" in self._model else f"models/{self._model}"
        self._extra = source.extra_params
        self._provider = Provider(source, ENDPOINT, timeouts)
        self._signatures = Keepsakes()

    async def start(self) -> None:
        self._url = self._provider.url(f"{self._path}:generateContent")
        self._stream_url = self._provider.url(f"{self._path}:streamGenerateContent", {"alt": "sse"})
        self._embed_url = self._provider.url(f"{self._path}:batchEmbedContents")
        key = self._provider.key
        await self._provider.start({"x-goog-api-key": key} if key else {})

    async def close(self) -> None:
        await self._provider.close()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        body = request(prompt, self._model, self._extra, self._signatures)
        if not prompt.stream:
            yield whole_answer(await self._provider.ask(self._url, body), self._signatures)
            return
        answer = AnswerStream(self._signatures)
        async with self._provider.post(self._stream_url, body, stream=True) as response:
            if response.content_type == "application/json":
                yield whole_answer(await whole(response), self._signatures)
                return
            async for chunk in response.content.iter_any():
                for piece in answer.feed(chunk):
                    yield piece
            for piece in answer.end():
                yield piece

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        body = {"requests": [self._embedding(text) for text in texts]}
        return vectors(await self._provider.ask(self._embed_url, body), len(texts))

    def _embedding(self, text: str) -> dict[str, Any]:
        given = {**self._extra, "model": self._path, "content": {"parts": [{"text": text}]}}
        return without_unwanted(given, self._extra)

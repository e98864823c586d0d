"""Any endpoint that speaks OpenAI's wire format: providers, vLLM, SGLang, a llama.cpp server elsewhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tropism.engines.fragments import Fragments
from tropism.engines.openai_stream import AnswerStream
from tropism.engines.openai_wire import (
    UNREADABLE,
    Answer,
    Vectors,
    decode_answer,
    decode_vectors,
    error_message,
    excerpt,
    finish_of,
    logprobs_of,
    text_of,
    usage_of,
)
from tropism.engines.protocol import (
    Embeddings,
    Engine,
    EngineError,
    ModelSource,
    OnState,
    Piece,
    Prompt,
    ignore_state,
)
from tropism.engines.provider import PATIENT, Provider, Timeouts, read_rest, whole
from tropism.engines.structured import logprob_fields, response_format, tool_fields, without_unwanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a provider does differently from the others."""

    endpoint: str | None = None
    """Where it is, unless the model's source says otherwise."""
    key_header: Callable[[str], tuple[str, str]] = lambda key: ("Authorization", f"Bearer {key}")
    max_tokens: str = "max_tokens"
    """How the limit is called: OpenAI's reasoning models refuse the old name, most other servers the new one."""
    query: Sequence[str] = ()
    """The extra parameters that belong into the URL and not into the body."""


class OpenAIEngine(Engine):
    """One model at one endpoint."""

    def __init__(
        self,
        source: ModelSource,
        *,
        on_state: OnState = ignore_state,
        dialect: Dialect = Dialect(),
        timeouts: Timeouts = PATIENT,
    ) -> None:
        self._source = source
        self._dialect = dialect
        self._provider = Provider(source, dialect.endpoint, timeouts)
        self._extra = {name: value for name, value in source.extra_params.items() if name not in dialect.query}

    async def start(self) -> None:
        extra = self._source.extra_params
        query = {name: str(extra[name]) for name in self._dialect.query if name in extra}
        self._chat_url = self._provider.url("chat/completions", query)
        self._embeddings_url = self._provider.url("embeddings", query)
        key = self._provider.key
        await self._provider.start(dict([self._dialect.key_header(key)]) if key else {})

    async def close(self) -> None:
        await self._provider.close()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        body = self._body(prompt)
        if not prompt.stream:
            async with self._provider.post(self._chat_url, body) as response:
                piece = _piece(await whole(response))
            yield piece
            return
        async with self._provider.post(self._chat_url, body, stream=True) as response:
            if response.content_type == "application/json":
                # The server cannot stream, and has sent the whole answer instead.
                yield _piece(await whole(response))
                return
            answer = AnswerStream(_reported)
            async for chunk in response.content.iter_any():
                for piece in answer.feed(chunk):
                    yield piece
                if answer.done:
                    break
            for piece in answer.end():
                yield piece
            await read_rest(response)

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        given = {**self._extra, "model": self._source.external_model_id, "input": list(texts)}
        body = without_unwanted(given, self._extra)
        async with self._provider.post(self._embeddings_url, body) as response:
            return _embeddings(await whole(response), len(texts))

    def _model(self, prompt: Prompt) -> str | None:
        """Who shall answer, by the server's name for it."""
        return self._source.external_model_id

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        body = {**self._extra, "model": self._model(prompt), "messages": list(prompt.messages)}
        if prompt.max_tokens is not None:
            body[self._dialect.max_tokens] = prompt.max_tokens
        for name in ("temperature", "top_p", "seed"):
            value = getattr(prompt, name)
            if value is not None:
                body[name] = value
        if prompt.stop:
            body["stop"] = list(prompt.stop)
        if (shape := response_format(prompt)) is not None:
            body["response_format"] = shape
        body |= tool_fields(prompt) | logprob_fields(prompt)
        # Always said, so that an extra parameter cannot say otherwise.
        body["stream"] = prompt.stream
        if prompt.stream:
            body["stream_options"] = {**body.get("stream_options", {}), "include_usage": True}
        return without_unwanted(body, self._extra)


def open_ai(source: ModelSource, *, on_state: OnState = ignore_state) -> OpenAIEngine:
    """OpenAI itself."""
    dialect = Dialect(endpoint="https://api.openai.com/v1", max_tokens="max_completion_tokens")
    return OpenAIEngine(source, on_state=on_state, dialect=dialect)


def nvidia(source: ModelSource, *, on_state: OnState = ignore_state) -> OpenAIEngine:
    """NVIDIA's hosted models."""
    return OpenAIEngine(source, on_state=on_state, dialect=Dialect(endpoint="https://integrate.api.nvidia.com/v1"))


def azure(source: ModelSource, *, on_state: OnState = ignore_state) -> OpenAIEngine:
    """Azure: the endpoint is the URL of the deployment, and `api-version` is one of the extra parameters."""
    dialect = Dialect(
        key_header=lambda key: ("api-key", key),
        max_tokens="max_completion_tokens",
        query=("api-version",),
    )
    return OpenAIEngine(source, on_state=on_state, dialect=dialect)


def custom(source: ModelSource, *, on_state: OnState = ignore_state) -> OpenAIEngine:
    """Any other endpoint of the kind; one without keys needs none."""
    return OpenAIEngine(source, on_state=on_state)


def _decode_answer(body: bytes) -> Answer:
    try:
        answer = decode_answer(body)
    except UNREADABLE as error:
        raise EngineError(f"the provider's answer is not in OpenAI's format: {excerpt(body)}") from error
    # Gateways report errors that way when the status was sent before the error happened.
    if answer.error is not None and not answer.choices:
        raise _reported(body)
    return answer


def _reported(body: bytes) -> EngineError:
    return EngineError(f"the provider reported an error: {error_message(body) or excerpt(body)}")


def _piece(body: bytes) -> Piece:
    answer = _decode_answer(body)
    if not answer.choices:
        raise EngineError(f"the provider answered without a choice: {excerpt(body)}")
    choice = answer.choices[0]
    calls = Fragments().take(choice.message.tool_calls or ())
    return Piece(
        text=text_of(choice.message),
        tool_calls=calls,
        logprobs=logprobs_of(choice),
        finish_reason=finish_of(choice.finish_reason or "stop", bool(calls)),
        usage=usage_of(answer.usage),
    )


def _embeddings(body: bytes, count: int) -> Embeddings:
    try:
        answer: Vectors = decode_vectors(body)
    except UNREADABLE as error:
        raise EngineError(f"the provider's answer is not in OpenAI's format: {excerpt(body)}") from error
    vectors = {place if it.index is None else it.index: it.embedding for place, it in enumerate(answer.data)}
    if sorted(vectors) != list(range(count)):
        raise EngineError(f"the provider did not send one vector for each of {count} texts")
    prompt_tokens = answer.usage.prompt_tokens if answer.usage else None
    return Embeddings(vectors=[vectors[place] for place in range(count)], prompt_tokens=prompt_tokens)

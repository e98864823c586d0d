"""Any endpoint that speaks OpenAI's wire format: providers, vLLM, SGLang, a llama.cpp server elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from tropism.egress.guard import checked_url, connector, refusal
from tropism.egress.policy import Egress, EgressRefused
from tropism.engines.fragments import Fragments
from tropism.engines.in_flight import InFlight
from tropism.engines.openai_stream import AnswerStream
from tropism.engines.openai_wire import (
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
from tropism.engines.outgoing import HEADERS
from tropism.engines.protocol import (
    Embeddings,
    Engine,
    EngineError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
    ModelSource,
    OnState,
    Piece,
    Prompt,
    ignore_state,
)
from tropism.engines.structured import logprob_fields, response_format, tool_fields

_encode = msgspec.json.Encoder().encode

_LONGEST_ANSWER = 64 * 2**20
_LONGEST_ERROR = 64 * 2**10
_TELLING = 12
"""So many characters of a key, from its beginning, are more than what all keys of a provider share."""
_SECONDS_TO_DRAIN = 5.0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds; there is no limit to the whole of a stream whose tokens flow."""

    connect: float = 10
    between_bytes: float = 120
    whole_answer: float = 600
    """Without streaming nothing arrives until the answer is complete."""


class OpenAIEngine(Engine):
    """One model at one endpoint. Connections are shared by all requests and kept open between them."""

    def __init__(
        self,
        source: ModelSource,
        *,
        on_state: OnState = ignore_state,
        dialect: Dialect = Dialect(),
        timeouts: Timeouts = Timeouts(),
    ) -> None:
        self._source = source
        self._dialect = dialect
        self._streamed = _timeout(timeouts, timeouts.between_bytes)
        self._whole = _timeout(timeouts, timeouts.whole_answer)
        self._extra = {name: value for name, value in source.extra_params.items() if name not in dialect.query}
        self._in_flight = InFlight()
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Check what can be checked without a request: a question to a provider costs money."""
        self._chat_url = self._url("chat/completions")
        self._embeddings_url = self._url("embeddings")
        if not self._source.external_model_id:
            raise EngineError("the model has no name at the provider (external_model_id)")
        self._session = aiohttp.ClientSession(
            connector=connector(self._chat_url, self._source.egress, limit=2000, ttl_dns_cache=60),
            headers=self._headers(),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await self._in_flight.drained(_SECONDS_TO_DRAIN)
            await session.close()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        body = _encode(self._body(prompt))
        if not prompt.stream:
            async with self._post(self._chat_url, body, self._whole) as response:
                piece = _piece(await _whole(response))
            yield piece
            return
        async with self._post(self._chat_url, body, self._streamed) as response:
            if response.content_type == "application/json":
                # The server cannot stream, and has sent the whole answer instead.
                yield _piece(await _whole(response))
                return
            answer = AnswerStream(_reported)
            async for chunk in response.content.iter_any():
                for piece in answer.feed(chunk):
                    yield piece
                if answer.done:
                    break
            for piece in answer.end():
                yield piece
            await _read_rest(response)

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        body = {**self._extra, "model": self._source.external_model_id, "input": list(texts)}
        async with self._post(self._embeddings_url, _encode(body), self._whole) as response:
            return _embeddings(await _whole(response), len(texts))

    def _url(self, route: str) -> URL:
        base = _http_url(self._source.endpoint or self._dialect.endpoint or "", self._source.egress)
        extra = self._source.extra_params
        query = {name: str(extra[name]) for name in self._dialect.query if name in extra}
        return (base / route).with_query(base.query).update_query(query)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "tropism"}
        key = (self._source.api_key or "").strip()
        # The client's own complaint about such a key would show it.
        if not key.isascii() or not key.isprintable():
            raise EngineError("the API key holds characters that no key has")
        return dict([*headers.items(), self._dialect.key_header(key)]) if key else headers

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        body = {**self._extra, "model": self._source.external_model_id, "messages": list(prompt.messages)}
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
        return body

    @asynccontextmanager
    async def _post(
        self, url: URL, body: bytes, timeout: aiohttp.ClientTimeout
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """Yield a response with status 200, and translate whatever goes wrong until the block ends."""
        if self._session is None:
            raise EngineUnavailable("the engine is not running")
        # Redirects could lead inside, past whatever checked the endpoint, and would carry the key along.
        request = self._session.post(url, data=body, timeout=timeout, allow_redirects=False, headers=HEADERS.get())
        with self._in_flight:
            try:
                async with request as response:
                    if response.status != 200:
                        raise await _refusal(response)
                    yield response
            except EngineError as error:
                raise _without_key(error, self._source.api_key) from error.__cause__
            except aiohttp.ClientError as error:
                raise _network_error(error) from error
            except TimeoutError as error:
                raise EngineTimeout("the provider did not answer in time") from error


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


def _http_url(text: str, egress: Egress) -> URL:
    try:
        return checked_url(text, egress)
    except EgressRefused as error:
        raise EngineError(f"the endpoint of the model is not allowed: {error.strerror}") from None
    except ValueError:
        raise EngineError("the endpoint of the model is not an http(s) URL") from None


def _timeout(timeouts: Timeouts, read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_read=read)


async def _whole(response: aiohttp.ClientResponse, limit: int = _LONGEST_ANSWER) -> bytes:
    """Read the body, but not without end."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise EngineError(f"the provider's answer is longer than {limit} bytes")
    return b"".join(parts)


def _decode_answer(body: bytes) -> Answer:
    try:
        answer = decode_answer(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
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


async def _read_rest(response: aiohttp.ClientResponse) -> None:
    """Take what follows the last event, usually nothing: only a connection that was read to its end is used again."""
    try:
        async with asyncio.timeout(0.1):
            while await response.content.readany():
                pass
    except (TimeoutError, aiohttp.ClientError):
        response.close()


def _embeddings(body: bytes, count: int) -> Embeddings:
    try:
        answer: Vectors = decode_vectors(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EngineError(f"the provider's answer is not in OpenAI's format: {excerpt(body)}") from error
    vectors = {place if it.index is None else it.index: it.embedding for place, it in enumerate(answer.data)}
    if sorted(vectors) != list(range(count)):
        raise EngineError(f"the provider did not send one vector for each of {count} texts")
    prompt_tokens = answer.usage.prompt_tokens if answer.usage else None
    return Embeddings(vectors=[vectors[place] for place in range(count)], prompt_tokens=prompt_tokens)


def _without_key(error: EngineError, key: str | None) -> EngineError:
    """The error fit for the caller's eyes: some servers repeat the headers that they were sent."""
    # A placeholder such as "x" is no secret, and taking it out would garble the message.
    if not key or len(key) < 8:
        return error
    text = str(error).replace(key, "***")
    for length in range(len(key) - 1, _TELLING - 1, -1):  # a message that was cut may end within the key
        text = text.replace(key[:length], "***")
    return type(error)(text)


async def _refusal(response: aiohttp.ClientResponse) -> EngineError:
    """What a status other than 200 means to the caller."""
    status = response.status
    if status in (401, 403):
        # What it says besides often repeats a part of the key.
        return EngineError(f"the provider refused the API key (status {status})")
    if 300 <= status < 400:
        return EngineError(f"the endpoint redirects (status {status}), which is not followed: use the final URL")
    message = await _message(response)
    match status:
        case 429:
            return EngineUnavailable(f"the provider allows no more requests for now{message}")
        case 408 | 504:
            return EngineTimeout(f"the provider timed out (status {status}){message}")
        case 502 | 503 | 529:
            return EngineUnavailable(f"the provider is not available (status {status}){message}")
        case _ if 400 <= status < 500:
            return EngineRejected(f"the provider refused the request (status {status}){message}")
        case _:
            return EngineError(f"the provider failed (status {status}){message}")


async def _message(response: aiohttp.ClientResponse) -> str:
    try:
        said = error_message(await _whole(response, _LONGEST_ERROR))
    except (aiohttp.ClientError, TimeoutError, EngineError):
        # The status says enough when the explanation does not arrive.
        return ""
    return f": {said}" if said else ""


def _network_error(error: aiohttp.ClientError) -> EngineError:
    if (refused := refusal(error)) is not None:
        return EngineError(f"the endpoint of the model is not allowed: {refused}")
    match error:
        case aiohttp.ConnectionTimeoutError():
            return EngineTimeout("the connection to the provider took too long")
        case aiohttp.ServerTimeoutError():
            return EngineTimeout("the provider did not answer in time")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return EngineUnavailable("no secure connection to the provider: its certificate is not trusted")
        case aiohttp.ClientConnectorDNSError():
            return EngineUnavailable("the provider's host name is not known")
        case aiohttp.ClientConnectorError():
            return EngineUnavailable(f"the provider cannot be reached: {error.os_error.strerror or 'no connection'}")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | aiohttp.ClientPayloadError():
            return EngineUnavailable("the provider closed the connection in the middle of the answer")
        case _:
            return EngineError(f"the provider's answer is not HTTP as we know it ({type(error).__name__})")

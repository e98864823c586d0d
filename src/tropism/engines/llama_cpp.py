"""The llama.cpp engine: runs a GGUF file on this machine, in a child process that may die without harm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from os import SEEK_END
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tropism.engines.cores import default_threads
from tropism.engines.http_client import Response
from tropism.engines.in_flight import InFlight
from tropism.engines.keeper import Keeper
from tropism.engines.llama_process import LlamaConfig, LlamaProcess
from tropism.engines.llama_tools import CallReader, grammar, offered, parameters, written
from tropism.engines.openai_stream import AnswerStream
from tropism.engines.openai_wire import Vectors, decode_answer, decode_vectors, error_fields, error_message, text_of
from tropism.engines.protocol import (
    Embeddings,
    Engine,
    EngineBrokeOff,
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
from tropism.engines.structured import logprob_fields, response_format

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_SECONDS_TO_DRAIN = 3.0
_TEXTS_AT_ONCE = 32
_CHAT = "/v1/chat/completions"
_EMBEDDINGS = "/v1/embeddings"
_MARK = "~#~"
_SCHEMAS_KNOWN = 1_000
_BAD_SCHEMA = "JSON schema error"
_BAD_GRAMMAR = "failed to parse grammar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long the engine waits, in seconds, and how often it tries."""

    start: float = 300
    silence: float = 120
    """Without a token, or progress with the prompt, a request counts as hung."""
    health: float = 5
    """To answer whether it is alive, once a request hangs."""
    queue: float = 300
    """For a free slot."""
    restarts: int = 5
    """In a row, without a single answer in between; then the engine stays down."""
    first_pause: float = 0.2
    """Before the first restart; each further one doubles it."""


class LlamaCppEngine(Engine):
    """One model in one child process. Requests beyond the slots wait here, where leaving the queue costs nothing."""

    def __init__(self, source: ModelSource, *, on_state: OnState = ignore_state, limits: Limits = Limits()) -> None:
        self._source = source
        self._limits = limits
        self._in_flight = InFlight()
        self._followed: set[str] = set()
        """Grammars of tools that the model is known to follow."""
        self._slots = asyncio.Semaphore(source.slots)
        self._keeper = Keeper(self._launch, on_state, restarts=limits.restarts, first_pause=limits.first_pause)

    @property
    def pid(self) -> int | None:
        """The id of the process that runs the model, while there is one."""
        process = self._keeper.process
        return process.pid if process else None

    async def start(self) -> None:
        if find_spec("xllamacpp") is None:
            raise EngineError("local models need the Python package 'xllamacpp': pip install 'tropism[server]'")
        await self._keeper.start()

    async def close(self) -> None:
        await self._in_flight.drained(_SECONDS_TO_DRAIN)
        await self._keeper.close()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        body = self._chat_body(prompt)
        reader = None
        if offered(prompt):
            body["grammar"] = await self._grammar(prompt)
            reader = CallReader()
        # Streamed for every caller: of a request that only waits, the child does not notice that nobody does.
        async with self._ask(_CHAT, body) as (process, response):
            answer = AnswerStream(_refusal)
            async for chunk in response.content.iter_any():
                process.heard = asyncio.get_running_loop().time()
                for piece in answer.feed(chunk):
                    for part in reader.take(piece) if reader else (piece,):
                        yield part
            for piece in answer.end():
                yield piece
            self._keeper.praise()

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        if self._source.kind != "Embedding":
            raise EngineRejected("this model does not make embeddings; use a chat request")
        if not texts:
            raise EngineRejected("there is no text to embed")
        parts = [await self._embed(texts, at) for at in range(0, len(texts), _TEXTS_AT_ONCE)]
        return Embeddings(
            vectors=[vector for part in parts for vector in part.vectors],
            prompt_tokens=sum(part.prompt_tokens or 0 for part in parts),
        )

    async def tokenize(self, text: str) -> list[int]:
        """What the model reads of a text, without the tokens that mark its begin or end."""
        answer = await self._read("/tokenize", {"content": text, "add_special": False})
        return list(_decode(answer)["tokens"])

    async def _launch(self) -> LlamaProcess:
        source = self._source
        size = _check_file(source.path)
        for path in source.adapters:
            _check_file(path)
        config = LlamaConfig(
            model=str(source.path),
            adapters=[str(path) for path in source.adapters],
            embedding=source.kind == "Embedding",
            slots=source.slots,
            context=source.context,
            threads=source.threads or default_threads(size),
        )
        return await LlamaProcess.launch(config, self._limits.start)

    def _chat_body(self, prompt: Prompt) -> dict[str, Any]:
        if self._source.kind != "Generation":
            raise EngineRejected("this model does not generate text; use an embedding request")
        if not prompt.messages:
            raise EngineRejected("there is no message to answer")
        body: dict[str, Any] = {
            "messages": written(prompt),
            "stream": True,
            "stream_options": {"include_usage": True},
            # Else a long prompt is silent while it is read, and looks like a hung process.
            "return_progress": True,
            # Else an answer that is cut short has no count of its tokens.
            "timings_per_token": True,
            **self._lora(prompt.adapter),
        }
        for name in ("max_tokens", "temperature", "top_p", "seed"):
            if (value := getattr(prompt, name)) is not None:
                body[name] = value
        if prompt.stop:
            body["stop"] = list(prompt.stop)
        if (shape := response_format(prompt)) is not None and not offered(prompt):
            body["response_format"] = shape
        body |= logprob_fields(prompt)
        if prompt.seed is not None:
            # What an earlier request left in the cache changes the last digits, and with them the dice.
            body["cache_prompt"] = False
        return body

    async def _grammar(self, prompt: Prompt) -> str:
        """The grammar of the prompt's tools, if the model can follow it: llama.cpp says nothing, and ignores it."""
        wanted = grammar(prompt)
        if wanted not in self._followed:
            question = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
            answer = decode_answer(await self._read(_CHAT, {**question, "grammar": grammar(prompt, _MARK)}))
            said = text_of(answer.choices[0].message) if answer.choices else ""
            if not said or not _MARK.startswith(said):
                await self._refuse_schemas(prompt)
            if len(self._followed) >= _SCHEMAS_KNOWN:
                self._followed.clear()
            self._followed.add(wanted)
        return wanted

    async def _refuse_schemas(self, prompt: Prompt) -> None:
        """Find the tool whose schema cannot be followed, and why."""
        for tool in offered(prompt):
            shape = {"type": "json_schema", "json_schema": {"name": "tool", "schema": parameters(tool)}}
            question = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, "response_format": shape}
            try:
                await self._read(_CHAT, question)
            except EngineRejected as error:
                raise EngineRejected(f"tool {tool.function.name!r}: {error}") from error
        raise EngineRejected("the model cannot follow the JSON schemas of these tools")

    def _lora(self, adapter: Path | None) -> Mapping[str, Any]:
        """Name every adapter with its scale, zeros included, on every request.

        Where llama.cpp is told nothing, it goes on with what it has in its cache: the state of another adapter, whose
        answers then pass for the base model's.
        """
        adapters = self._source.adapters
        if adapter is not None and adapter not in adapters:
            raise EngineRejected(f"the model was not started with the adapter {adapter.name!r}")
        scales = [{"id": place, "scale": float(each == adapter)} for place, each in enumerate(adapters)]
        return {"lora": scales} if scales else {}

    async def _embed(self, texts: Sequence[str], at: int) -> Embeddings:
        part = list(texts[at : at + _TEXTS_AT_ONCE])
        try:
            answer = _vectors(await self._read(_EMBEDDINGS, {"input": part}))
        except (EngineUnavailable, EngineTimeout):
            raise
        except EngineError:
            await self._refuse_long_texts(part, at)
            raise
        self._keeper.praise()
        vectors = sorted(answer.data, key=lambda vector: vector.index or 0)
        tokens = answer.usage.prompt_tokens if answer.usage else None
        return Embeddings(vectors=[vector.embedding for vector in vectors], prompt_tokens=tokens)

    async def _refuse_long_texts(self, texts: Sequence[str], at: int) -> None:
        """Find the text that was refused: llama.cpp says that there is one, but not which."""
        context: int = _decode(await self._read("/v1/models"))["data"][0]["meta"]["n_ctx"]
        for place, text in enumerate(texts, at):
            tokens = _decode(await self._read("/tokenize", {"content": text, "add_special": True}))["tokens"]
            if len(tokens) > context:
                raise EngineRejected(f"text {place} has {len(tokens)} tokens; the model reads {context} at most")

    async def _read(self, route: str, body: Mapping[str, Any] | None = None) -> bytes:
        async with self._ask(route, body) as (process, response):
            whole = await response.read()
            process.heard = asyncio.get_running_loop().time()
        return whole

    @asynccontextmanager
    async def _ask(
        self, route: str, body: Mapping[str, Any] | None
    ) -> AsyncGenerator[tuple[LlamaProcess, Response], None]:
        """Wait for a slot and yield a response with status 200; translate what goes wrong until the block ends."""
        data = None if body is None else _encode(body)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=self._limits.silence)
        self._keeper.refuse_if_down()
        with self._in_flight:
            async with self._slot():
                process = await self._keeper.running()
                try:
                    with await process.ask(route, data, timeout) as response:
                        if response.status != 200:
                            raise _refusal(await response.read())
                        yield process, response
                except TimeoutError:
                    await self._kill_if_hung(process)
                    raise EngineTimeout(f"the model was silent for {self._limits.silence:g} seconds") from None
                except aiohttp.ClientError as error:
                    await self._keeper.lost(process)
                    raise EngineBrokeOff("the model's process ended before its answer; try again") from error

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None, None]:
        try:
            async with asyncio.timeout(self._limits.queue):
                await self._slots.acquire()
        except TimeoutError:
            raise EngineUnavailable("the model is too busy; try again later") from None
        try:
            yield
        finally:
            self._slots.release()

    async def _kill_if_hung(self, process: LlamaProcess) -> None:
        """A process that hears us but has nothing for anybody hangs as well, such as in a template without end."""
        silence = asyncio.get_running_loop().time() - process.heard
        if silence < self._limits.silence and await process.is_healthy(self._limits.health):
            return
        process.kill("it hung and was killed")
        await self._keeper.lost(process)


def _check_file(path: Path | None) -> int:
    """Say quickly and plainly what llama.cpp would say late and darkly; return the size."""
    if path is None:
        raise EngineError("a local model needs a file")
    try:
        with path.open("rb") as file:
            start = file.read(4)
            size = file.seek(0, SEEK_END)
    except OSError as error:
        raise EngineError(f"the file {path.name!r} cannot be read: {error.strerror}") from error
    if start != b"GGUF":
        raise EngineError(f"the file {path.name!r} is not a GGUF file")
    return size


def _refusal(body: bytes) -> EngineError:
    """What an error of llama.cpp means to the caller."""
    fields = error_fields(body)
    if fields.get("type") == "exceed_context_size_error":
        tokens, context = fields.get("n_prompt_tokens"), fields.get("n_ctx")
        return EngineRejected(f"the prompt has {tokens} tokens; the model's context holds {context}")
    message = error_message(body) or "it did not say why"
    if _BAD_SCHEMA in message:
        return EngineRejected(f"the model cannot follow this JSON schema: {message.split(_BAD_SCHEMA)[1].strip()}")
    if message.endswith(_BAD_GRAMMAR):
        return EngineRejected(
            "the model cannot follow this JSON schema: it repeats itself without end, or a length in it is too large"
        )
    if fields.get("code") in (400, 404, 422):
        return EngineRejected(f"the model refused the request: {message}")
    return EngineError(f"the model failed: {message}")


def _vectors(body: bytes) -> Vectors:
    try:
        return decode_vectors(body)
    except msgspec.DecodeError as error:
        # A broken model makes numbers that are none, and JSON has no word for them.
        raise EngineError("the model made no valid vectors") from error

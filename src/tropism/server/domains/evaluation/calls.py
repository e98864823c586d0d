"""Questions to the judge's model: each is paid for once, and its answer stored before anybody sees it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace
from sqlalchemy import Row, insert, select

from tropism.engines.protocol import FinishReason, Prompt, Usage
from tropism.judges.ask import Generated
from tropism.judges.protocol import Turn
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.chat.prompting import prompt_for
from tropism.server.domains.costs import counting
from tropism.server.domains.costs.counting import Charge
from tropism.server.domains.evaluation.concurrency import patiently
from tropism.server.jobs.protocol import Run
from tropism.server.snapshot import ServedModel
from tropism.server.tables.evaluation import evaluation_call
from tropism.wire.chat import ChatMessage, ChatRequest, Role

RETRY_TEMPERATURE = 0.7
_encode = msgspec.json.Encoder(order="deterministic").encode


class Paid:
    """The judge's model of one job, as `tropism.judges.ask.asking` takes it. At most `at_once` questions run."""

    def __init__(self, run: Run[Any], judge: ServedModel, at_once: int, use_case_id: UUID) -> None:
        self._run, self._judge, self._use_case_id = run, judge, use_case_id
        self._turn = asyncio.Semaphore(at_once)
        self._asked: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def __call__(
        self, messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int, attempt: int
    ) -> Generated:
        """The answer, from the store if the same question was asked before."""
        prompt = question(self._judge, messages, schema, max_tokens, attempt)
        digest = hashlib.sha256(_encode(prompt)).digest()
        # Two samples may ask the same at the same time: the second one waits, and finds it in the store.
        async with self._asked.setdefault(digest, asyncio.Lock()):
            known = await self._run.read(_find, self._run.id, digest)
            return _generated(known) if known is not None else await self._ask(digest, prompt)

    async def _ask(self, digest: bytes, prompt: Prompt) -> Generated:
        async with self._turn:
            said = await patiently(lambda: whole(self._run, self._judge, prompt))
        made = Generated(text=said.text, prompt_tokens=said.read, completion_tokens=said.written)
        await self._run.write(_keep, self._run.id, digest, made, self._judge, self._use_case_id)
        return made


def question(
    judge: ServedModel, messages: Sequence[Turn], schema: Mapping[str, Any], max_tokens: int, attempt: int
) -> Prompt:
    """What the engine is asked: a variant's system prompt leads, its temperature does not: judges play no dice."""
    said = [ChatMessage(role=cast(Role, turn.role), content=turn.content) for turn in messages]
    temperature = RETRY_TEMPERATURE if attempt else 0.0
    request = ChatRequest(model=judge.key, messages=said, max_tokens=max_tokens, temperature=temperature, seed=attempt)
    return replace(prompt_for(judge, request, said), json_schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A whole answer, the tokens read and written where the engine counted them, and how long it took."""

    text: str
    finish_reason: FinishReason | None
    read: int | None
    written: int | None
    latency_ms: float


async def whole(run: Run[Any], served: ServedModel, prompt: Prompt) -> Said:
    """An answer from its beginning to its end. The engine is asked for each time: one that broke is replaced."""
    parts: list[str] = []
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    async with run.engine(served.id) as engine, aclosing(engine.generate(prompt)) as pieces:
        started = time.perf_counter()
        async for piece in pieces:
            parts.append(piece.text)
            finish_reason, usage = piece.finish_reason or finish_reason, piece.usage or usage
    return Said(
        text="".join(parts),
        finish_reason=finish_reason,
        read=usage.prompt_tokens if usage else None,
        written=usage.completion_tokens if usage else None,
        latency_ms=(time.perf_counter() - started) * 1000,
    )


def _find(session: Reading, job_id: UUID, digest: bytes) -> Row[Any] | None:
    call = evaluation_call.c
    return session.row(select(evaluation_call).where(call.job_id == job_id, call.digest == digest))


def _generated(row: Row[Any]) -> Generated:
    return Generated(text=row.text, prompt_tokens=row.prompt_tokens, completion_tokens=row.completion_tokens)


def _keep(
    transaction: Writing, job_id: UUID, digest: bytes, made: Generated, judge: ServedModel, use_case_id: UUID
) -> None:
    values: dict[str, Any] = {
        "text": made.text,
        "prompt_tokens": made.prompt_tokens,
        "completion_tokens": made.completion_tokens,
        "cost_usd": judge.cost(made.prompt_tokens, made.completion_tokens),
    }
    transaction.run(insert(evaluation_call).values(job_id=job_id, digest=digest, **values))
    charge = Charge(
        id=transaction.new_id(),
        use_case_id=use_case_id,
        model_id=judge.id,
        api_key_id=None,
        user_id=None,
        prompt_tokens=made.prompt_tokens,
        completion_tokens=made.completion_tokens,
        cost_usd=values["cost_usd"],
    )
    counting.count(transaction, [charge])

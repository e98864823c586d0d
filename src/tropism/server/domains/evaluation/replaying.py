"""The first stage: models answer prompts anew, or the completions of a dataset are put into the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, insert, select

from tropism.engines.protocol import EngineError
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.chat.prompting import parameters_of, prompt_for
from tropism.server.domains.datasets import files
from tropism.server.domains.evaluation.calls import whole
from tropism.server.domains.evaluation.concurrency import Breaker, each, patiently, together
from tropism.server.domains.evaluation.documents import with_documents
from tropism.server.domains.evaluation.work import DELETED, Work, still_possible
from tropism.server.domains.interactions import records
from tropism.server.domains.interactions.records import Record, prompt_hash
from tropism.server.errors import InvalidRequest
from tropism.server.jobs.protocol import Run
from tropism.server.snapshot import ServedModel
from tropism.server.tables.evaluation import evaluation_answer, evaluation_sample
from tropism.server.tables.interactions import interaction, interaction_body
from tropism.wire.chat import ChatMessage, ChatRequest
from tropism.wire.datasets import DatasetLine

AT_ONCE = 64
"""Lines, or logged prompts, that are read together."""
MAX_TOKENS = 1024
"""The longest answer, where neither the logged request nor the variant says so."""
LABEL = "evaluation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a model is asked, as sample `number`. Without messages: what was to be asked is gone from the log."""

    number: int
    messages: Sequence[ChatMessage]
    max_tokens: int | None = None
    stop: list[str] | None = None
    system_prompt_args: dict[str, Any] | None = None


async def replay(run: Run[Any], work: Work) -> None:
    """Every model answers every prompt that it has not answered yet."""
    samples = await run.read(_samples, work)
    await run.begin("replay", total=samples * len(work.models))
    await together(*(_replay_through(run, work, position, served) for position, served in enumerate(work.models)))
    await run.end("replay")


async def _replay_through(run: Run[Any], work: Work, position: int, served: ServedModel) -> None:
    breaker = Breaker(f"model {served.key!r}")

    async def answer(question: Question) -> None:
        await run.read(still_possible, work)
        if not question.messages:
            await run.write(_keep_failure, work, position, question, DELETED, stage="replay", advance=1)
            return
        try:
            made = records.redacted(await _answered(run, work, served, question), work.plan.use_case.redact or ())
        except InvalidRequest as error:
            await run.write(_keep_failure, work, position, question, str(error), stage="replay", advance=1)
        except EngineError as error:
            await run.write(_keep_failure, work, position, question, str(error), stage="replay", advance=1)
            breaker.failed(error)
        else:
            await run.write(_keep_answer, work, position, question, made, stage="replay", advance=1)
            breaker.worked()

    await each(_unanswered(run, work, position), answer, work.at_once(served, run.services.settings))


async def _answered(run: Run[Any], work: Work, served: ServedModel, question: Question) -> Record:
    request = ChatRequest(
        model=served.key,
        messages=list(question.messages),
        max_tokens=question.max_tokens or served.parameters.get("max_tokens") or MAX_TOKENS,
        stop=question.stop,
        system_prompt_args=question.system_prompt_args,
    )
    prompt = prompt_for(served, request, question.messages)
    said = await patiently(lambda: whole(run, served, prompt))
    id = run.services.clock.new_id()
    return Record(
        id=id,
        use_case_id=work.plan.use_case.id,
        model_id=served.id,
        session_id=id,
        source="EVALUATION",
        messages=question.messages,
        completion=said.text,
        finish_reason=said.finish_reason,
        prompt_tokens=said.read,
        completion_tokens=said.written,
        cost_usd=served.cost(said.read, said.written),
        latency_ms=said.latency_ms,
        parameters=parameters_of(prompt),
        labels={LABEL: str(work.job_id)},
        model_version=served.version,
        system_prompt_args=question.system_prompt_args,
    )


def _keep_answer(transaction: Writing, work: Work, position: int, question: Question, made: Record) -> None:
    records.store(transaction, [made])
    values = {"model_id": made.model_id, "completion_id": made.id, "status": "pending"}
    transaction.run(insert(evaluation_answer).values(**_place(work, position, question.number), **values))


def _keep_failure(transaction: Writing, work: Work, position: int, question: Question, reason: str) -> None:
    values = {"model_id": work.models[position].id, "status": "failed", "reason": f"no answer: {reason}"}
    transaction.run(insert(evaluation_answer).values(**_place(work, position, question.number), **values))


def _place(work: Work, position: int, number: int) -> dict[str, Any]:
    """Answers to the same sample are compared with each other."""
    return {"job_id": work.job_id, "number": number, "position": position, "pair": number.to_bytes(16)}


async def _unanswered(run: Run[Any], work: Work, position: int) -> AsyncIterator[Question]:
    async for questions in _questions(run, work):
        numbers = [question.number for question in questions]
        there = await run.read(_numbers, work.job_id, position, numbers[0], numbers[-1])
        for question in questions:
            if question.number not in there:
                yield question


def _numbers(session: Reading, job_id: UUID, position: int, first: int, last: int) -> set[int]:
    """The samples between two that have an answer at this position."""
    answer = evaluation_answer.c
    wanted = select(answer.number).where(answer.job_id == job_id, answer.position == position)
    return {row.number for row in session.rows(wanted.where(answer.number.between(first, last)))}


async def _questions(run: Run[Any], work: Work) -> AsyncIterator[Sequence[Question]]:
    if work.dataset_id is None:
        last = -1
        while questions := await run.read(_logged_prompts, work.job_id, last):
            yield questions
            last = questions[-1].number
        return
    async for numbered in _lines(run, work.dataset_id):
        yield [Question(number=number, messages=_messages(line)) for number, line in numbered]


def _logged_prompts(session: Reading, job_id: UUID, last: int) -> list[Question]:
    """The next prompts of the log, with the length and the stops that the application asked for."""
    sample = evaluation_sample.c
    wanted = (
        select(
            sample.number, interaction_body.c.messages, interaction_body.c.system_prompt_args, interaction.c.parameters
        )
        .outerjoin(interaction_body, interaction_body.c.id == sample.source_id)
        .outerjoin(interaction, interaction.c.id == sample.source_id)
        .where(sample.job_id == job_id, sample.number > last)
        .order_by(sample.number)
    )
    return [
        Question(
            number=row.number,
            messages=msgspec.convert(row.messages or [], list[ChatMessage]),
            max_tokens=(row.parameters or {}).get("max_tokens"),
            stop=(row.parameters or {}).get("stop"),
            system_prompt_args=row.system_prompt_args,
        )
        for row in session.rows(wanted.limit(AT_ONCE))
    ]


async def _lines(run: Run[Any], dataset_id: UUID) -> AsyncIterator[Sequence[tuple[int, DatasetLine]]]:
    """The numbered lines of a dataset, some at a time; the file is read beside the event loop."""
    lines: Iterator[tuple[int, DatasetLine]] = enumerate(files.lines(run.services.settings, dataset_id))
    while some := await asyncio.to_thread(lambda: list(islice(lines, AT_ONCE))):
        yield some


def _messages(line: DatasetLine) -> list[ChatMessage]:
    return with_documents(line.messages, line.documents)


def _samples(session: Reading, work: Work) -> int:
    if work.plan.dataset is not None:
        return int(work.plan.dataset.lines)
    count = select(func.count()).where(evaluation_sample.c.job_id == work.job_id)
    return int(session.value(count))


async def log_completions(run: Run[Any], work: Work) -> None:
    """Put the completions that a dataset brings into the log, so that they can have feedback."""
    assert work.dataset_id is not None
    await run.begin("log", total=await run.read(_samples, work))
    async for numbered in _lines(run, work.dataset_id):
        await run.read(still_possible, work)
        there = await run.read(_numbers, work.job_id, 0, numbered[0][0], numbered[-1][0])
        new = [(number, line) for number, line in numbered if number not in there]
        if new:
            await run.write(_log, work, new, stage="log", advance=len(new))
    await run.end("log")


def _log(transaction: Writing, work: Work, numbered: Sequence[tuple[int, DatasetLine]]) -> None:
    kinds = work.plan.use_case.redact or ()
    made = [records.redacted(_record(transaction, work, line), kinds) for _, line in numbered]
    records.store(transaction, made)
    rows = [
        {
            "job_id": work.job_id,
            "number": number,
            "position": 0,
            "completion_id": record.id,
            "pair": prompt_hash(record.messages),
            "status": "pending",
        }
        for (number, _), record in zip(numbered, made, strict=True)
    ]
    transaction.run(insert(evaluation_answer), rows)


def _record(transaction: Writing, work: Work, line: DatasetLine) -> Record:
    id = transaction.new_id()
    return Record(
        id=id,
        use_case_id=work.plan.use_case.id,
        session_id=id,
        source="DATASET",
        messages=_messages(line),
        completion=line.completion or "",
        labels={**(line.labels or {}), LABEL: str(work.job_id)},
    )

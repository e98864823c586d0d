"""The job that generates a dataset: one question after another about each passage, kept as each is written."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from tropism.engines.protocol import EngineError, EngineRejected, Prompt
from tropism.server import snapshot
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.chat.prompting import prompt_for
from tropism.server.domains.datasets import generating, making, shapes
from tropism.server.domains.datasets.files import working_folder
from tropism.server.domains.datasets.generating import STAGE, GenerateRequest
from tropism.server.domains.datasets.passages import spread
from tropism.server.domains.datasets.service import NewDataset
from tropism.server.domains.datasets.tally import Counts, Tally
from tropism.server.domains.jobs import states
from tropism.server.jobs.protocol import JobFailed, Run, Stopped, runs
from tropism.server.snapshot import ServedModel
from tropism.wire.chat import ChatMessage, ChatRequest

AT_ONCE = 4
"""So many passages are asked about at the same time: what a local engine works on at once."""
TRIES = 3
"""So often a question is asked for that does not come, or came before."""
PAUSES = (1.0, 4.0, 16.0)
"""Seconds to wait for an engine that cannot answer at the moment."""
MAX_TOKENS = 400
QUESTION: dict[str, Any] = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["question", "answer"],
    "additionalProperties": False,
}
ORDERS = (
    "Write one question that a reader could ask and that the following text answers, and its answer in a sentence or "
    "two, from the text alone. The question must be understood without seeing the text. "
    'Reply with JSON: {"question": "...", "answer": "..."}.'
)


class _Written(msgspec.Struct):
    question: str
    answer: str


_read = msgspec.json.Decoder(_Written).decode


@runs("dataset", GenerateRequest)
async def generate(run: Run[GenerateRequest]) -> dict[str, Any]:
    """Make the dataset, or find that an earlier attempt has made it."""
    request = run.request
    if not await run.read(generating.is_made, run.id, request):
        await run.begin(STAGE, request.num_questions)
        await _ask_all(run, await run.read(_model, request))
        await _keep(run)
        await run.end(STAGE)
    return {"dataset": request.key}


def _model(session: Reading, request: GenerateRequest) -> ServedModel:
    found = snapshot.load(session).use_case(str(request.use_case_id), session.principal).models.get(request.model)
    if found is None:
        raise JobFailed(f"the model {request.model!r} was detached meanwhile")
    return found


async def _ask_all(run: Run[GenerateRequest], model: ServedModel) -> None:
    known = await run.read(generating.drafts, run.id)
    turn, number, tasks = asyncio.Semaphore(AT_ONCE), 0, list[asyncio.Task[None]]()
    for passage, count in zip(
        run.request.passages, spread(run.request.num_questions, len(run.request.passages)), strict=True
    ):
        tasks.append(asyncio.create_task(_ask_about(run, model, passage, range(number, number + count), known, turn)))
        number += count
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ask_about(
    run: Run[GenerateRequest],
    model: ServedModel,
    passage: str,
    numbers: range,
    known: dict[int, list[Any]],
    turn: asyncio.Semaphore,
) -> None:
    """The questions of one passage, one after another: each is told those before it."""
    async with turn:
        before = [said["messages"][-1]["content"] for number in numbers for said in known.get(number, ())]
        for number in numbers:
            if number in known:
                continue
            line = await _question(run, model, passage, before, number)
            if line is not None:
                before.append(line.messages[-1].content)
            kept = [] if line is None else [msgspec.to_builtins(line)]
            await run.write(generating.keep_draft, run.id, number, kept, stage=STAGE, advance=1)


async def _question(
    run: Run[GenerateRequest], model: ServedModel, passage: str, before: list[str], number: int
) -> shapes.Line | None:
    """A question that was not asked before, or None if the model writes none."""
    for attempt in range(TRIES):
        prompt = _prompt(model, passage, before, number * TRIES + attempt)
        try:
            written = _read(await _answer(run, model, prompt))
        except (msgspec.DecodeError, RecursionError):
            continue
        question, answer = written.question.strip(), written.answer.strip()
        if question and answer and question not in before:
            turns = [shapes.Turn("document", passage), shapes.Turn("user", question)]
            return shapes.Line(messages=turns, completion=answer if run.request.answers else None)
    return None


def _prompt(model: ServedModel, passage: str, before: list[str], seed: int) -> Prompt:
    others = "".join(f"\n- {question}" for question in before[-10:])
    more = f"\n\nThese were asked already; ask something else:{others}" if others else ""
    said = [ChatMessage(role="user", content=f"{ORDERS}\n\nThe text:\n{passage}{more}")]
    request = ChatRequest(model=model.key, messages=said, max_tokens=MAX_TOKENS, temperature=0.8, seed=seed % 2**31)
    return replace(prompt_for(model, request, said), json_schema=QUESTION, json_schema_name="question")


async def _answer(run: Run[GenerateRequest], model: ServedModel, prompt: Prompt) -> str:
    for pause in (*PAUSES, None):
        try:
            return await _once(run, model, prompt)
        except EngineRejected:
            raise
        except EngineError:
            if pause is None:
                raise
            await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")


async def _once(run: Run[GenerateRequest], model: ServedModel, prompt: Prompt) -> str:
    async with run.engine(model.id) as engine, aclosing(engine.generate(prompt)) as pieces:
        return "".join([piece.text async for piece in pieces])


async def _keep(run: Run[GenerateRequest]) -> None:
    """Make the dataset of the drafts, and forget them, while the job is still ours."""
    request, drafts = run.request, await run.read(generating.drafts, run.id)
    lines = [msgspec.convert(each, shapes.Line) for kept in drafts.values() for each in kept]
    if not lines:
        raise JobFailed(f"{request.model!r} wrote no question as it was asked to; try a larger model")
    if missing := request.num_questions - len(lines):
        await run.log(f"{missing} of {request.num_questions} questions came to nothing", "warning")
    target = working_folder(run.services.settings) / f"{run.id}.part"
    counts = await asyncio.to_thread(_write, target, lines)
    config = {"job": str(run.id), "model": request.model, "num_questions": request.num_questions}
    new = NewDataset(
        use_case_id=request.use_case_id, key=request.key, name=request.name, source="generated", config=config
    )

    def ours(transaction: Writing, id: UUID) -> None:
        if not states.is_ours(transaction, run.id, run.attempt):
            raise Stopped
        generating.forget_drafts(transaction, run.id)

    await making.keep(run.services, new, counts, target, ours)


def _write(target: Any, lines: list[shapes.Line]) -> Counts:
    with Tally(target) as tally:
        for line in lines:
            tally.add(line)
        return tally.finish()

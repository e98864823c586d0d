"""What an evaluation would take, from the lengths of some of its texts. Nothing is asked of any model for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import ceil
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select

from tropism.server.database.session import Reading
from tropism.server.domains.datasets import files
from tropism.server.domains.evaluation import checks, selection
from tropism.server.domains.evaluation.checks import Plan
from tropism.server.domains.evaluation.documents import documents_in, with_documents
from tropism.server.settings import Settings
from tropism.server.tables.interactions import interaction, interaction_body
from tropism.server.tables.models import model
from tropism.wire import evaluation as wire
from tropism.wire.chat import ChatMessage
from tropism.wire.models import Prices

LOOKED_AT = 200
"""So many samples stand for all."""
LOOKED_THROUGH = 10_000
"""Where so many samples have no documents, none is taken to have."""
CHARACTERS_PER_TOKEN = 4
"""In English text, for the tokenizers in use; others differ, and so does other text."""
TOKENS_OF_AN_ANSWER = 200
"""Where a model has answered nothing here yet."""
PARTS_PER_CALL = 5
"""A judge is asked about so many sentences, or guidelines, at once."""
CHARACTERS_PER_SENTENCE = 90
TOKENS_OF_A_QUESTION = 300
"""What a judge is told besides the sample."""
TOKENS_OF_A_VERDICT = 120


@dataclass(frozen=True, slots=True)
class Length:
    """Of one sample, in characters: what is asked, and what is answered where that is known."""

    prompt: int
    completion: int | None
    documents: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens of one model, and US dollars where it has prices."""

    read: int
    written: int
    usd: float | None

    @classmethod
    def of(cls, session: Reading, row: Row[Any], read: int, written: int) -> Cost:
        given = session.value(select(model.c.prices).where(model.c.id == (row.backbone_id or row.id)))
        if given is None:
            return cls(read, written, None)
        prices = msgspec.convert(given, Prices)
        return cls(read, written, (read * prices.input_per_million + written * prices.output_per_million) / 1_000_000)


def estimated(session: Reading, plan: Plan, settings: Settings) -> wire.EvaluationEstimate:
    """The estimate; an error where there is nothing to judge, or nothing that the method could judge."""
    samples = selection.count(session, plan) if plan.completions else plan.dataset.lines  # type: ignore[union-attr]
    found = islice(_lengths(session, plan, settings), LOOKED_THROUGH)
    lengths = list(islice(found, LOOKED_AT))
    if checks.needs(plan) and not any(length.documents for length in chain(lengths, found)):
        raise checks.no_documents(plan)
    return _summed(session, plan, samples, lengths)


def _summed(session: Reading, plan: Plan, samples: int, lengths: Sequence[Length]) -> wire.EvaluationEstimate:
    asked = _tokens([length.prompt for length in lengths])
    rows = plan.models if plan.replays else ()
    said = [_usual_answer(session, plan.use_case.id, row.id) for row in rows]
    replays = [Cost.of(session, row, samples * asked, samples * answer) for row, answer in zip(rows, said, strict=True)]
    answers = said or [_tokens([length.completion or 0 for length in lengths])]
    calls = [samples * _calls(plan, answer) for answer in answers]
    read = sum(count * (asked + answer + TOKENS_OF_A_QUESTION) for count, answer in zip(calls, answers, strict=True))
    total = [*replays, Cost.of(session, plan.judge, read, sum(calls) * TOKENS_OF_A_VERDICT)]
    priced = [cost.usd for cost in total if cost.usd is not None]
    return wire.EvaluationEstimate(
        samples=samples,
        answers=samples * len(answers),
        replay_calls=samples * len(rows),
        judge_calls=sum(calls),
        prompt_tokens=sum(cost.read for cost in total),
        completion_tokens=sum(cost.written for cost in total),
        cost_usd=sum(priced) if priced else None,
    )


def _calls(plan: Plan, answer: int) -> int:
    """Questions to the judge about one answer of so many tokens."""
    custom = plan.request.custom_eval_config
    if custom is not None:
        return ceil(len(custom.guidelines) / PARTS_PER_CALL)
    if plan.request.method == "faithfulness":
        return max(1, ceil(answer * CHARACTERS_PER_TOKEN / CHARACTERS_PER_SENTENCE / PARTS_PER_CALL))
    return 1


def _tokens(characters: Sequence[int]) -> int:
    return round(sum(characters) / max(1, len(characters)) / CHARACTERS_PER_TOKEN)


def _usual_answer(session: Reading, use_case_id: UUID, model_id: UUID) -> int:
    """The mean tokens of what the model answered lately."""
    mine = (interaction.c.use_case_id == use_case_id, interaction.c.model_id == model_id)
    latest = select(interaction.c.completion_tokens).where(*mine).order_by(interaction.c.id.desc()).limit(LOOKED_AT)
    mean = session.value(select(func.avg(latest.subquery().c.completion_tokens)))
    return TOKENS_OF_AN_ANSWER if mean is None else round(mean)


def _lengths(session: Reading, plan: Plan, settings: Settings) -> Iterator[Length]:
    if plan.dataset is not None:
        for line in files.lines(settings, plan.dataset.id):
            yield _length(with_documents(line.messages, line.documents), line.completion)
        return
    for _, some in selection.portions(selection.newest(session, plan, LOOKED_THROUGH)):
        body = interaction_body.c
        for row in session.rows(select(body.messages, body.completion).where(body.id.in_(some))):
            messages = msgspec.convert(row.messages, list[ChatMessage])
            yield _length(messages, row.completion)


def _length(messages: Sequence[ChatMessage], completion: str | None) -> Length:
    return Length(
        prompt=sum(len(message.text) for message in messages),
        completion=None if completion is None else len(completion),
        documents=bool(documents_in(messages)),
    )

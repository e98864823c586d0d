"""Comparison: which of two answers to the same conversation is better, asked in both orders.

Models that compare prefer a place (mostly the first), and longer answers (Zheng et al. 2023, arXiv:2306.05685).

- Place: both orders are asked. Where they name different answers, the place has decided and not the answer: that is no
  preference but a tie, marked as inconsistent and to be counted. A judge that is inconsistent often is not fit to build
  preferences with.
- Length: the judge is told that length is no merit, and how much longer the winner is comes with the verdict, so that
  you can see over many pairs whether the longer one wins too often. That is told, not corrected: a longer answer may
  well be the better one.

Calls: two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tropism.judges.protocol import Ask, NoAnswer, Sample, Turn, Unjudgeable
from tropism.judges.show import CONTEXT, RULES, Room, cut, fenced, question_of, room
from tropism.judges.windows import windows

Winner = Literal["first", "second"]

_TOKENS = 160
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 240},
        "better": {"type": "string", "enum": ["A", "B", "equal"]},
    },
    "required": ["reason", "better"],
    "additionalProperties": False,
}
_TASK = """Decide which answer serves the user better: it is right, gives what was asked for, and keeps to the documents
where there are some. The order of the answers means nothing, and neither does their length.
First give a short reason that compares them, then "A", "B", or "equal" if neither is better.
Answer with this JSON: {"reason": "...", "better": "..."}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Which of two answers is better, and what that rests on."""

    winner: Winner | None
    """None for a tie, and where the judge abstained."""
    abstained: bool
    """The judge gave no answer of the asked-for shape in one of the orders."""
    consistent: bool
    """Both orders led to the same result; False means that the place decided, which counts as a tie."""
    reasons: tuple[str, ...]
    """The judge's reason in each order; in the second, A is the second answer."""
    length_difference: int
    """Characters that the first answer is longer than the second; below zero, shorter."""


async def compare(first: Sample, second: str, ask: Ask, *, context: int = CONTEXT, guideline: str = "") -> Preference:
    """Compare a sample's completion with a second one, in both orders at once.

    `guideline` says what matters, in words for the judge, where it is not what usually does. `context` is what the
    judge's model holds, in tokens. Raises `Unjudgeable` where an answer is empty.
    """
    one, other = first.completion.strip(), second.strip()
    if not one or not other:
        raise Unjudgeable("one of the two completions is empty; there is nothing to compare")
    asked = _asked(first, room(context, _TOKENS), guideline)
    difference = len(one) - len(other)
    try:
        straight, swapped = await asyncio.gather(_ask(ask, asked, one, other), _ask(ask, asked, other, one))
    except NoAnswer as error:
        return _preference(None, difference, (f"abstained: {error}",), abstained=True)
    found = _WINNER[straight["better"]], _WINNER_SWAPPED[swapped["better"]]
    winner = found[0] if found[0] == found[1] else None
    reasons = tuple(" ".join(answer["reason"].split()) for answer in (straight, swapped))
    return _preference(winner, difference, reasons, consistent=found[0] == found[1])


_WINNER: Mapping[str, Winner | None] = {"A": "first", "B": "second", "equal": None}
_WINNER_SWAPPED: Mapping[str, Winner | None] = {"A": "second", "B": "first", "equal": None}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What both orders share."""

    material: str
    task: str
    most: int


def _asked(sample: Sample, space: Room, guideline: str) -> _Asked:
    documents = [document for document in sample.documents if document.strip()]
    shown = [*windows(documents, space.documents // 2).windows[:1]] if documents else []
    material = "\n".join([*shown, f"The question:\n{question_of(sample, space.question)}"])
    task = f"{_TASK}\nWhat matters most: {guideline}" if guideline else _TASK
    return _Asked(material, task, (space.answer + space.documents // 2) // 2)


async def _ask(ask: Ask, asked: _Asked, a: str, b: str) -> Mapping[str, Any]:
    answers = "\n".join(
        f"Answer {name}:\n{fenced('answer', cut(text, asked.most))}" for name, text in (("A", a), ("B", b))
    )
    said = f"{asked.material}\n{answers}\n\n{asked.task}"
    return await ask([Turn(role="system", content=RULES), Turn(role="user", content=said)], _SCHEMA, max_tokens=_TOKENS)


def _preference(
    winner: Winner | None,
    difference: int,
    reasons: tuple[str, ...],
    *,
    abstained: bool = False,
    consistent: bool = True,
) -> Preference:
    return Preference(
        winner=winner, abstained=abstained, consistent=consistent, reasons=reasons, length_difference=difference
    )

"""Several things judged in one call: each has its number, and gets a reason and then one of a few verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tropism.judges.protocol import Ask, Turn
from tropism.judges.show import RULES

AT_ONCE = 5
"""How many are judged in one call: more, and small models mix them up."""

_LONGEST_REASON = 160
_TOKENS_EACH, _TOKENS_AROUND = 90, 30

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one of them."""

    verdict: str
    reason: str


def batches(items: Sequence[Item], most: int = AT_ONCE) -> Iterator[Sequence[Item]]:
    for at in range(0, len(items), most):
        yield items[at : at + most]


def tokens_for(count: int) -> int:
    """How long an answer about so many may be."""
    return _TOKENS_EACH * count + _TOKENS_AROUND


def verdicts_schema(numbers: Sequence[int], options: Sequence[str]) -> dict[str, Any]:
    """One object per number, the reason before the verdict: who must give reasons first judges better."""
    one = {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": _LONGEST_REASON},
            "verdict": {"type": "string", "enum": list(options)},
        },
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }
    names = [str(number) for number in numbers]
    properties = dict.fromkeys(names, one)
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


async def decide(ask: Ask, question: str, numbers: Sequence[int], options: Sequence[str]) -> dict[int, Finding]:
    """Ask about these numbers in one call. Raises `NoAnswer` where the model does not manage."""
    shape = ", ".join(f'"{number}": {{"reason": "...", "verdict": "..."}}' for number in numbers)
    said = f"{question}\nAnswer with this JSON: {{{shape}}}"
    messages = [Turn(role="system", content=RULES), Turn(role="user", content=said)]
    answer = await ask(messages, verdicts_schema(numbers, options), max_tokens=tokens_for(len(numbers)))
    return {number: _finding(answer[str(number)]) for number in numbers}


def _finding(answer: Mapping[str, Any]) -> Finding:
    return Finding(answer["verdict"], " ".join(answer["reason"].split()))

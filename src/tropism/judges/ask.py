"""Asking a judge's model for an object of a given shape: parsed, checked, asked again, counted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from tropism.judges.protocol import NoAnswer, Turn

_MOST_OF_A_PROBLEM = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What the model wrote, and the tokens that it read and wrote (None where they were not counted)."""

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Generate(Protocol):
    """One call of the judge's model.

    `attempt` is 0 at first: answer with temperature 0. For a higher one answer with some temperature and this seed, or
    the same broken answer comes back.
    """

    async def __call__(
        self, messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int, attempt: int
    ) -> Generated: ...


class Asking:
    """An `Ask` over `generate`: it asks up to `attempts` times, then raises `NoAnswer`.

    What it cost so far stands in `calls`, `prompt_tokens` and `completion_tokens`. Errors of `generate` go through.
    """

    def __init__(self, generate: Generate, attempts: int = 3) -> None:
        self._generate, self._attempts = generate, attempts
        self.calls = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0

    async def __call__(
        self, messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int = 512
    ) -> Mapping[str, Any]:
        problem = ""
        for attempt in range(self._attempts):
            said = _reminded(messages, problem) if problem else messages
            # An answer that was cut short gets more room.
            made = await self._generate(said, schema, max_tokens=max_tokens * (1 + attempt), attempt=attempt)
            self._count(made)
            try:
                return parsed(made.text, schema)
            except NoAnswer as error:
                problem = str(error)
        raise NoAnswer(f"no answer of the asked-for shape in {self._attempts} attempts; the last one {problem}")

    def _count(self, made: Generated) -> None:
        self.calls += 1
        self.prompt_tokens += made.prompt_tokens or 0
        self.completion_tokens += made.completion_tokens or 0


def asking(generate: Generate, attempts: int = 3) -> Asking:
    """An `Ask` that parses what `generate` writes, checks it against the schema, and asks again where it is broken."""
    return Asking(generate, attempts)


def parsed(text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object in the text, if it satisfies the schema; else `NoAnswer` with the reason."""
    try:
        found = json.loads(_braces(text))
    except (ValueError, RecursionError):
        raise NoAnswer("is not JSON") from None
    problem = next(_validator(json.dumps(schema)).iter_errors(found), None)
    if problem is not None:
        raise NoAnswer(f"does not fit: {problem.message[:_MOST_OF_A_PROBLEM]}")
    if not isinstance(found, dict):
        raise NoAnswer("is no JSON object")
    return found


def _braces(text: str) -> str:
    """The part of the text from the first brace to the last: models like to put a fence or a word around it."""
    return text[text.find("{") : text.rfind("}") + 1]


@lru_cache(maxsize=256)
def _validator(schema: str) -> Validator:
    # Made once: the same few schemas are asked for again and again.
    return Draft202012Validator(json.loads(schema))


def _reminded(messages: Sequence[Turn], problem: str) -> Sequence[Turn]:
    """The same question, with what was wrong with the last answer: in the last turn, for some models take no two."""
    *before, last = messages
    note = f"\n\nYour last answer {problem}. Answer with one short JSON object of the asked-for shape, nothing else."
    return [*before, replace(last, content=last.content + note)]

"""What a judge is: something that reads a sample, asks a model, and says how good the answer is and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What is judged: an answer, the conversation that it answers, and the documents that were given with it."""

    messages: Sequence[Turn]
    completion: str
    documents: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """What answers shall do, in the user's own words."""

    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a verdict rests on: a claim, a document, a guideline; whether it holds, and why."""

    text: str
    holds: bool | None
    """None when the judge abstained on this part, or when it does not count."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How good an answer is, from 0 to 1; None when the judge abstained: it is counted as such, never guessed."""

    score: float | None
    reason: str
    parts: Sequence[Part] = ()


class NoAnswer(Exception):
    """The model gave no answer of the asked-for shape, however often it was asked."""


class Unjudgeable(ValueError):
    """This sample lacks what the method needs, such as documents; the message says what."""


class Ask(Protocol):
    """Put a question to the judge's model; the answer is an object that satisfies the JSON schema.

    Raises `NoAnswer` when the model does not manage that; an engine that fails raises its own error, which is no
    abstention. Questions with the same words get the same answer within a job: it is stored, and not paid for twice.
    """

    async def __call__(
        self, messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int = 512
    ) -> Mapping[str, Any]: ...


class Judge(Protocol):
    """One method of judging."""

    async def judge(self, sample: Sample, ask: Ask) -> Verdict:
        """Judge one answer.

        Raises `Unjudgeable` when that is impossible. An answer of the wrong shape means an abstention; an error of the
        engine goes through, for it says nothing about the sample.
        """

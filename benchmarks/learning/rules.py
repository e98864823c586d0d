"""When an answer is good: rules that a program can check, so that better means better."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tropism.rewards import Request, RewardServer

Rule = Callable[[str, bool, Mapping[str, Any]], float]
"""An answer, whether it was finished, and what its prompt came with, to a score from 0 to 1."""
TEXT_MESSAGE = 160


@dataclass(frozen=True)
class Addressed:
    """What the prompts of greetings come with."""

    name: str


class Warm(RewardServer[Addressed]):
    """Half for naming the person, half for an exclamation mark."""

    def score(self, request: Request[Addressed]) -> float:
        return warmth(request.completion, request.metadata.name)


def warmth(answer: str, name: str) -> float:
    return ((name in answer) + ("!" in answer)) / 2


def is_warm(answer: str, is_finished: bool, metadata: Mapping[str, Any]) -> float:
    return warmth(answer, metadata["name"])


def fits(answer: str, is_finished: bool, metadata: Mapping[str, Any]) -> float:
    """Finished, and no longer than a text message."""
    return float(is_finished and len(answer.strip()) <= TEXT_MESSAGE)


def is_in_format(answer: str, is_finished: bool, metadata: Mapping[str, Any]) -> float:
    """A JSON object with a topic and an answer, and nothing around it."""
    try:
        found = json.loads(answer)
    except ValueError:
        return 0.0
    return float(isinstance(found, dict) and found.keys() == {"topic", "answer"} and all(map(_is_text, found.values())))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""

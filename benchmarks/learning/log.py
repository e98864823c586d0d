"""`python -m benchmarks.learning.log` asks the bundled model and writes `data/`: what the benchmark learns from.

The files are kept with the code, so that every run learns from the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from benchmarks.learning import topics
from benchmarks.learning.rules import fits, warmth
from tropism import Tropism
from tropism.testing import run_server
from tropism.wire.chat import ChatChoice, ChatMessage
from tropism.wire.datasets import DatasetLine

DATA = Path(__file__).parent / "data"
GREETINGS, PREFERENCES = DATA / "greetings.jsonl", DATA / "preferences.jsonl"
MODEL = "smollm2-135m-instruct"
BRIEF = "Answer in at most ten words."
EACH = 4
"""Answers to one prompt."""
SHORT, LONG = 24, 48
"""Tokens of greetings, and of answers to questions."""
TEMPERATURE = 1.0


def main() -> None:
    with run_server(echo_models=(), bundled_models=True) as server, Tropism(server.base_url, server.api_key) as client:
        client.set_default_use_case("default")
        client.models.attach(MODEL, wait=True)
        _write(GREETINGS, [line for asked in topics.greetings(topics.NAMES) for line in _greetings(client, *asked)])
        _write(PREFERENCES, [line for asked in topics.questions(topics.THINGS) for line in _preferences(client, asked)])


def _greetings(client: Tropism, prompt: str, name: str) -> list[DatasetLine]:
    """Answers with their warmth."""
    return [
        DatasetLine(
            messages=[ChatMessage(role="user", content=prompt)],
            completion=answer.message.content,
            feedbacks={"good": warmth(answer.message.content, name)},
            metadata={"name": name},
        )
        for answer in _ask(client, prompt, None, EACH, SHORT)
    ]


def _preferences(client: Tropism, question: str) -> list[DatasetLine]:
    """Answers of the model as it is, less preferred than those that it gave when told to be brief, where they fit."""
    told = [answer.message.content for answer in _ask(client, question, BRIEF, EACH, LONG) if _fits(answer)]
    untold = [answer.message.content for answer in _ask(client, question, None, 1, LONG) if not _fits(answer)]
    return [
        DatasetLine(
            messages=[ChatMessage(role="user", content=question)],
            preferred_completion=better,
            other_completion=worse,
            feedback_key="good",
        )
        for better, worse in zip(told, untold, strict=False)
    ]


def _fits(answer: ChatChoice) -> bool:
    return fits(answer.message.content, answer.finish_reason == "stop", {}) == 1


def _ask(client: Tropism, prompt: str, system: str | None, n: int, length: int) -> list[ChatChoice]:
    asked: Any = [{"role": "system", "content": system}] if system else []
    asked.append({"role": "user", "content": prompt})
    return client.chat.create(asked, model=MODEL, n=n, max_tokens=length, temperature=TEMPERATURE).choices


def _write(path: Path, lines: list[DatasetLine]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


if __name__ == "__main__":
    main()

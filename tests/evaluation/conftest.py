"""A judge, models of different worth, and completions to judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from tests.chat.upstream import Upstream, run_upstream
from tests.evaluation.judge import RuleJudge

from tropism import Tropism

QUESTIONS = [f"Where is parcel {number} on its way now" for number in range(20)]


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


@pytest.fixture
def rules(upstream: Upstream, client: Tropism, use_case: str) -> RuleJudge:
    """A judge of its own for each test, attached to the use case."""
    judge = RuleJudge(upstream)
    judge.attach(client, use_case)
    return judge


@dataclass(frozen=True)
class Pair:
    """A model that repeats the whole question, and one that stops after two words."""

    good: str
    poor: str


@pytest.fixture
def pair(client: Tropism, use_case: str) -> Pair:
    name = uuid4().hex[:8]
    made = Pair(f"good-{name}", f"poor-{name}")
    client.models.add_variant("echo-a", made.good, parameters={"max_tokens": 100})
    client.models.add_variant("echo-a", made.poor, parameters={"max_tokens": 2})
    for key in (made.good, made.poor):
        client.models.attach(key, wait=True, use_case=use_case)
    return made


@pytest.fixture
def logged(client: Tropism, use_case: str) -> list[str]:
    """The questions, asked and answered once: a third by `echo-b`, the others by `echo-a`."""
    for number, question in enumerate(QUESTIONS):
        model = "echo-b" if number % 3 == 0 else "echo-a"
        client.chat.create([{"role": "user", "content": question}], model=model, use_case=use_case)
    return QUESTIONS

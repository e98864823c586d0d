"""A use case with a few hundred interactions of every kind, and what is true of each of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from tropism import Tropism
from tropism.testing import RunningServer
from tropism.wire.interactions import Interaction

SPACE = UUID(int=1)
USERS = [uuid5(SPACE, f"user-{i}") for i in range(3)]
SESSIONS = [uuid5(SPACE, f"session-{i}") for i in range(6)]
MODELS = ["echo-a", "echo-b", "echo-c", None]
PROMPTS = ["Why?", "How?", "When, and where, and with whom?"]
START = 1_700_000_000_000
"""Back-dated interactions lie in the 100 milliseconds from here: many share one."""
REASONS = ["wrong", "rude", None]
VALUES = [-1.5, 0.0, 1.0, 2.0, 2.5]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One interaction as a list has to know it. `shown` is what `get` says: for what only the server can know."""

    id: UUID
    shown: Interaction
    labels: dict[str, str]
    model: str | None
    user: UUID | None
    session: UUID | None
    source: str
    in_test: bool
    prompt: str
    feedbacks: dict[tuple[str, UUID | None], tuple[float, str | None]] = field(default_factory=dict)
    compared: set[str] = field(default_factory=set)

    @property
    def milliseconds(self) -> int:
        return self.id.int >> 80


@dataclass(frozen=True)
class World:
    """`name` is the use case; its keys are `{name}-stars`, `-thumbs`, its A/B test `{name}-test`."""

    name: str
    facts: dict[UUID, Fact] = field(repr=False)


@pytest.fixture
def case(client: Tropism) -> str:
    """A fresh use case with nothing in it."""
    key = f"case-{uuid4().hex[:12]}"
    client.use_cases.create(key)
    return key


@pytest.fixture(scope="session")
def world(server: RunningServer) -> Iterator[World]:
    """The interactions are the same in each run, but for their ids and timings."""
    with Tropism(server.base_url, server.api_key) as client:
        yield _world(client, random.Random(7))


def _world(client: Tropism, rng: random.Random) -> World:
    name, other = (f"{kind}-{uuid4().hex[:12]}" for kind in ("world", "other"))
    for use_case in (name, other):
        client.use_cases.create(use_case)
        for model in ("echo-a", "echo-b"):
            client.models.attach(model, make_default=model == "echo-a", wait=True, use_case=use_case)
    for key in ("stars", "thumbs"):
        client.feedback.register_key(f"{name}-{key}")
        client.feedback.link(f"{name}-{key}", use_case=name)
        client.feedback.link(f"{name}-{key}", use_case=other)
    client.ab_tests.create(f"{name}-test", f"{name}-stars", ["echo-a", "echo-b"], traffic_split=0, use_case=name)
    made = _offline(client, rng, name) + _live(client, rng, name)
    _noise(client, rng, name, other)
    facts = {}
    for id, given in made:
        shown = client.interactions.get(id, use_case=name)
        facts[id] = Fact(id=id, shown=shown, **given)
    _judge(client, rng, name, list(facts.values()))
    return World(name, facts)


Made = list[tuple[UUID, dict[str, Any]]]


def _offline(client: Tropism, rng: random.Random, name: str) -> Made:
    given = [_given(rng, "OFFLINE") for _ in range(220)]
    rows = [_row(rng, name, each) for each in given]
    logged = client.interactions.create_many(rows, use_case=name)
    return [(each.completion_id, facts) for each, facts in zip(logged, given, strict=True)]


def _given(rng: random.Random, source: str) -> dict[str, Any]:
    labels = {key: rng.choice(["x", "y", "é"]) for key in ("l1", "l2") if rng.random() < 0.5}
    model = rng.choice(MODELS)
    return {
        "labels": labels,
        "model": model,
        "user": rng.choice([*USERS, None]),
        "session": rng.choice([*SESSIONS, None]),
        "source": source,
        "in_test": model in ("echo-a", "echo-b") and rng.random() < 0.3,
        "prompt": rng.choice(PROMPTS),
    }


def _row(rng: random.Random, name: str, given: dict[str, Any]) -> Any:
    row = {
        "completion": f"answer {rng.random()}",
        "prompt": given["prompt"],
        "model": given["model"],
        "user": given["user"],
        "session_id": given["session"],
        "labels": given["labels"],
        "ab_campaign": f"{name}-test" if given["in_test"] else None,
        "created_at": _at(START + rng.randrange(100)) if rng.random() < 0.8 else None,
    }
    return {key: value for key, value in row.items() if value is not None}


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _live(client: Tropism, rng: random.Random, name: str) -> Made:
    made: Made = []
    for _ in range(40):
        given = _given(rng, "LIVE")
        given |= {"model": rng.choice(["echo-a", "echo-b"]), "in_test": False}
        answer = client.chat.create(
            [{"role": "user", "content": given["prompt"]}],
            model=given["model"],
            user=given["user"],
            session_id=given["session"],
            labels=given["labels"],
            use_case=name,
        )
        made.append((answer.choices[0].completion_id, given))
    return made


def _noise(client: Tropism, rng: random.Random, name: str, other: str) -> None:
    """The like of it in another use case, which no list of this one may show."""
    rows = [_row(rng, name, {**_given(rng, "OFFLINE"), "in_test": False}) for _ in range(60)]
    for logged in client.interactions.create_many(rows, use_case=other):
        client.feedback.log_metric(rng.choice(VALUES), logged.completion_id, f"{name}-stars")


def _judge(client: Tropism, rng: random.Random, name: str, facts: list[Fact]) -> None:
    for fact in rng.sample(facts, 150):
        for key in rng.sample(["stars", "thumbs"], rng.choice([1, 1, 2])):
            user, value, reason = rng.choice([*USERS, None]), rng.choice(VALUES), rng.choice(REASONS)
            client.feedback.log_metric(value, fact.id, f"{name}-{key}", user, reason=reason)
            fact.feedbacks[key, user] = (value, reason)
    for _ in range(25):
        one, two = rng.sample(facts, 2)
        key = rng.choice(["stars", "thumbs"])
        client.feedback.log_preference(f"{name}-{key}", one.id, two.id, use_case=name)
        one.compared.add(key)
        two.compared.add(key)

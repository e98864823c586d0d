"""A log of any size, made up: ninety days of one use case, the same rows for the same size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from tropism.wire.interactions import Source

START_MS, DAYS = 1_780_000_000_000, 90
SPAN_MS = DAYS * 86_400_000
USERS, PROMPTS, TURNS = 10_000, 1_000, 5
"""So many people, so many different prompts, and so many turns in a session."""
SPACE = 1 << 64
ANSWER = "It left our warehouse this morning and should reach you tomorrow."


@dataclass(frozen=True, kw_only=True)
class World:
    """What rows point to: made through the API before they are loaded."""

    use_case: UUID
    models: tuple[UUID, UUID, UUID]
    """The first has nine of ten interactions, the last one of a hundred."""
    ab_test: UUID
    stars: UUID
    better: UUID
    size: int

    def at(self, i: int) -> int:
        """The moment of an interaction, in milliseconds since 1970."""
        return START_MS + i * SPAN_MS // self.size

    def id(self, i: int) -> UUID:
        return UUID(int=self.at(i) << 80 | i)


def user(i: int) -> UUID:
    return UUID(int=SPACE * 2 + i // 20 * 7919 % USERS)


def session(i: int) -> UUID:
    return UUID(int=SPACE * 3 + i // TURNS)


def prompt(i: int) -> int:
    """Most prompts are common; one of a hundred thousand is asked by hardly anybody."""
    return PROMPTS if i % 100_000 == 7 else i * 7919 % PROMPTS


def prompt_hash(number: int) -> bytes:
    return number.to_bytes(16, "big")


def source(i: int) -> Source:
    if i % 1_000 == 0:
        return "EVALUATION"
    return "OFFLINE" if i % 1_000 < 50 else "LIVE"


def labels(i: int) -> dict[str, str]:
    found = {"channel": ("web", "app", "mail")[i % 3]}
    return found | {"vip": "yes"} if i % 10_000 == 3 else found


def model(world: World, i: int) -> UUID:
    return world.models[0 if i % 100 < 90 else 1 if i % 100 < 99 else 2]


def interactions(world: World) -> Iterator[dict[str, Any]]:
    for i in range(world.size):
        yield {
            "id": world.id(i),
            "use_case_id": world.use_case,
            "model_id": model(world, i),
            "session_id": session(i),
            "user_id": user(i),
            "ab_test_id": world.ab_test if i % 100 == 5 else None,
            "ab_unit": user(i) if i % 100 == 5 else None,
            "source": source(i),
            "prompt_hash": prompt_hash(prompt(i)),
            "finish_reason": "stop",
            "prompt_tokens": 20 + i % 400,
            "completion_tokens": 10 + i % 300,
            "latency_ms": 200.0 + i * 104_729 % 3_000,
            "labels": msgspec.json.encode(labels(i)),
            "cost_usd": 0.0001 * (1 + i % 50),
        }


def bodies(world: World) -> Iterator[dict[str, Any]]:
    for i in range(world.size):
        asked = [{"role": "user", "content": f"Where is my parcel? My number is {prompt(i)}."}]
        yield {"id": world.id(i), "messages": msgspec.json.encode(asked), "completion": ANSWER}


def labelled(world: World) -> Iterator[dict[str, Any]]:
    for i in range(world.size):
        for key, value in labels(i).items():
            yield {"use_case_id": world.use_case, "key": key, "value": value, "interaction_id": world.id(i)}


def feedback(world: World) -> Iterator[dict[str, Any]]:
    """Stars from 1 to 5 on each tenth; a 1 only on each ten-thousandth."""
    for i in range(1, world.size, 10):
        value = 1.0 if i % 10_000 == 1 else 2.0 + i // 10 % 4
        yield {
            "id": UUID(int=world.id(i).int | SPACE),
            "use_case_id": world.use_case,
            "feedback_key_id": world.stars,
            "completion_id": world.id(i),
            "user_id": user(i),
            "model_id": model(world, i),
            "value": value,
            "reason": "late" if value == 1.0 else None,
        }


def comparisons(world: World) -> Iterator[dict[str, Any]]:
    for i in range(4, world.size - 1, 1_000):
        yield {
            "id": UUID(int=world.id(i).int | SPACE),
            "use_case_id": world.use_case,
            "feedback_key_id": world.better,
            "preferred_id": world.id(i),
            "other_id": world.id(i + 1),
            "user_id": user(i),
        }


def counts(world: World) -> Iterator[dict[str, Any]]:
    """What the log itself would have counted."""
    found: dict[tuple[int, UUID, str], int] = {}
    for i in range(world.size):
        key = (world.at(i) // 3_600_000, model(world, i), source(i))
        found[key] = found.get(key, 0) + 1
    for (hour, model_id, of), number in found.items():
        place = {"use_case_id": world.use_case, "hour": hour, "model_id": model_id, "source": of}
        yield {**place, "number": number}

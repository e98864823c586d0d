"""Clients that do all that clients do, note what was acknowledged, and never rest."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
from tests.e2e.process import ADMIN_KEY
from tests.torture.acknowledged import NOBODY, Acknowledged

from tropism import APIConnectionError, APITimeoutError, AsyncTropism, ConflictError, InternalServerError, Tropism
from tropism.wire.datasets import Dataset
from tropism.wire.jobs import Job

CASE, PRIVATE, JUDGED = "kills", "private", "judged"
METRIC, VOTES = "metric-test", "vote-test"
STARS, BETTER = "stars", "better"
MODELS = ("a", "b")
LOST = (APIConnectionError, APITimeoutError, InternalServerError, httpx2.TransportError)
"""What a call may raise when the engine dies under it; anything else fails the test."""
SHORT = 12
"""After so many feedbacks per variant the tests end that are started along the way."""


class User:
    """One client. Its dice are seeded, its place among the others is not."""

    def __init__(self, seed: str, url: str, client: AsyncTropism, files: Path, acknowledged: Acknowledged) -> None:
        self._dice, self._url, self._client = random.Random(seed), url, client
        self._files, self._acknowledged = files, acknowledged
        self._mine: list[UUID] = []
        self._user, self._session = uuid4(), uuid4()

    async def act(self) -> None:
        often = [self._chat, self._chat, self._stream, self._log, self._rate, self._rate, self._prefer]
        seldom = [self._upload, self._gather, self._delete, self._repeat, self._short_test]
        actions: Sequence[Callable[[], Coroutine[Any, Any, None]]] = [*often, *often, *often, *seldom]
        try:
            await self._dice.choice(actions)()
        except LOST as error:
            self._acknowledged.lost.append(repr(error))
        else:
            self._acknowledged.count += 1

    def _text(self) -> str:
        return f"{uuid4()} " + "word " * self._dice.randrange(1, 30) + "end"

    def _who(self) -> dict[str, Any]:
        """Nobody, a user or a session: each is another unit of an A/B test."""
        return self._dice.choice(({}, {"user": self._user}, {"session_id": self._session}))

    def _took(self, id: UUID, text: str) -> None:
        assert id not in self._acknowledged.completions
        self._acknowledged.completions[id] = text
        self._mine.append(id)

    async def _chat(self) -> None:
        text, n = self._text(), self._dice.choice((1, 1, 2))
        who = self._who()
        answer = await self._client.chat.create([{"role": "user", "content": text}], n=n, labels={"by": "chat"}, **who)
        for choice in answer.choices:
            assert choice.message.content == text
            self._took(choice.completion_id, text)

    async def _stream(self) -> None:
        text = self._text()
        chunks = [chunk async for chunk in await self._client.chat.create([{"role": "user", "content": text}], True)]
        assert "".join(chunk.choices[0].delta.content for chunk in chunks) == text
        self._took(chunks[0].id, text)  # only here: a stream is acknowledged by its end

    async def _log(self) -> None:
        text, value, who = self._text(), float(self._dice.randrange(6)), self._who()
        made = await self._client.interactions.create(
            text,
            model=self._dice.choice(MODELS),
            prompt="elsewhere",
            feedbacks=[{"feedback_key": STARS, "value": value}],
            ab_campaign=METRIC,
            **who,
        )
        self._took(made.completion_id, text)
        self._acknowledged.values[made.completion_id, who.get("user", NOBODY)] = value

    async def _rate(self) -> None:
        if not self._mine:
            return
        id, value = self._dice.choice(self._mine), float(self._dice.randrange(6))
        self._acknowledged.unsure.add((id, NOBODY))
        await self._client.feedback.log_metric(value, id, STARS)
        self._acknowledged.unsure.discard((id, NOBODY))
        self._acknowledged.values[id, NOBODY] = value

    async def _prefer(self) -> None:
        text = self._text()
        answer = await self._client.chat.create([{"role": "user", "content": text}], n=2, ab_campaign=VOTES)
        first, second = (choice.completion_id for choice in answer.choices)
        self._took(first, text)
        self._took(second, text)
        made = await self._client.feedback.log_preference(BETTER, first, second)
        self._acknowledged.preferences[made.id] = (first, second)

    async def _upload(self) -> None:
        lines = [self._text() for _ in range(self._dice.randrange(1, 200))]
        key = f"set-{uuid4().hex[:12]}"
        file = self._files / key
        file.write_text("".join(json.dumps({"prompt": line}) + "\n" for line in lines))
        made: Dataset = await self._client.datasets.upload(file, key)
        self._acknowledged.datasets[made.id] = lines

    async def _gather(self) -> None:
        if not self._mine:
            return
        id = self._dice.choice(self._mine)
        key = f"set-{uuid4().hex[:12]}"
        made: Dataset = await self._client.datasets.from_interactions(key, {"completion_id": id})
        said = (await self._client.interactions.get(id)).messages[-1].content
        assert isinstance(said, str)
        self._acknowledged.datasets[made.id] = [said]

    async def _delete(self) -> None:
        answer = await self._client.chat.create(
            [{"role": "user", "content": self._text()}], use_case=PRIVATE, user=self._user, labels={"by": "delete"}
        )
        id = answer.choices[0].completion_id
        asked = await self._client.interactions.delete(completion_ids=[id], use_case=PRIVATE)
        self._acknowledged.deletions[asked.id] = id

    async def _repeat(self) -> None:
        """A call whose answer may be lost, and that is then made again with the same key."""
        key = uuid4().hex
        body = {"use_case": PRIVATE, "completion": key, "prompt": "once", "model": "a", "labels": {"key": key}}
        self._acknowledged.unanswered[key] = body
        await repeat(self._url, key, self._acknowledged)

    async def _short_test(self) -> None:
        """A test that a dozen feedbacks end, which come from several calls."""
        key = f"short-{uuid4().hex[:12]}"
        with suppress(ConflictError):
            await self._client.ab_tests.create(
                key, STARS, MODELS, 0.0, auto_deploy=True, max_feedbacks=SHORT, use_case=JUDGED
            )
            self._acknowledged.tests.add(key)
        for number in range(2 * SHORT):
            text = self._text()
            made = await self._client.interactions.create(
                text,
                model=MODELS[number % 2],
                prompt="short",
                feedbacks=[{"feedback_key": STARS, "value": number % 2}],
                ab_campaign=key,
                use_case=JUDGED,
            )
            self._acknowledged.completions[made.completion_id] = text


async def repeat(url: str, key: str, acknowledged: Acknowledged) -> None:
    """Make a call once, or again."""
    body = acknowledged.unanswered[key]
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Idempotency-Key": key}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=5) as http:
        answer = await http.post("/api/v1/interactions", json=body)
    if answer.status_code == 201:
        acknowledged.repeated[key] = UUID(answer.json()["completion_id"])
        del acknowledged.unanswered[key]
    else:
        assert answer.status_code == 503, answer.text


@asynccontextmanager
async def traffic(url: str, files: Path, acknowledged: Acknowledged, seeds: Sequence[str]) -> AsyncIterator[None]:
    """A client for each seed, until the block ends; first they make the calls again whose answers were lost."""
    stop = asyncio.Event()

    async def use(seed: str) -> None:
        async with AsyncTropism(url, ADMIN_KEY, timeout=5) as client:
            client.set_default_use_case(CASE)
            user = User(seed, url, client, files, acknowledged)
            while not stop.is_set():
                await user.act()

    for key in list(acknowledged.unanswered):
        with suppress(*LOST):
            await repeat(url, key, acknowledged)
    users = [asyncio.create_task(use(seed)) for seed in seeds]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*users)


def prepare(url: str, judge: Callable[[Tropism, str], str]) -> str:
    """Three use cases: with running tests and limits, with deletions, and with evaluations. The key of the judge."""
    with Tropism(url, ADMIN_KEY) as client:
        for key in (STARS, BETTER):
            client.feedback.register_key(key)
        for case in (CASE, PRIVATE, JUDGED):
            client.use_cases.create(case)
            for model in MODELS:
                client.models.attach(model, wait=True, make_default=True, use_case=case)
            for key in (STARS, BETTER):
                client.feedback.link(key, use_case=case)
        for measure in ("requests", "tokens"):
            client.limits.set(measure, 1_000_000_000, "month", use_case=CASE)
        client.set_default_use_case(CASE)
        watched: Any = [{"metric": "latency_ms", "tolerance": 1e9}]
        client.ab_tests.create(METRIC, STARS, MODELS, 0.5, max_feedbacks=100_000_000, guardrails=watched)
        client.ab_tests.create(VOTES, BETTER, MODELS, 0.0, "preference", max_feedbacks=100_000_000)
        return judge(client, JUDGED)


def evaluate(url: str, judge: str, acknowledged: Acknowledged) -> None:
    """Start an evaluation of a few answers of its own."""
    with Tropism(url, ADMIN_KEY) as client:
        client.set_default_use_case(JUDGED)
        session = uuid4()
        for number in range(12):
            client.chat.create(
                [{"role": "user", "content": f"Is {session} number {number} here"}], session_id=session, model="a"
            )
        wanted: Any = {"datasource": {"completions": {"filter": {"session_id": str(session)}}}}
        job: Job | Any = client.evaluation.jobs.create(wanted, ["a"], judge, "answer_relevancy")
        acknowledged.jobs.add(job.id)

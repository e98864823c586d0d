"""An engine with two weeks of a support desk in it, made through the API: something to look at on every page.

Its provider is a real server on this machine with canned answers, and its clock is set back while the two weeks pass.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from tests.chat.upstream import Request, Upstream, run_upstream
from tests.evaluation.judge import answer as judged
from tests.trainers import tiny, tiny_gguf

from tropism import Tropism, rewards
from tropism.rewards.testing import run_reward_server
from tropism.server.clock import Clock
from tropism.server.processes.run import running
from tropism.server.settings import from_environment
from tropism.server.web.listening import new_event_loop

KEY = "tk_for-screenshots-only"
DAYS, LAST_DAYS = 14, 9
"""For so many days people ask, and in the last ones of them, models are tested."""
SMALL, LARGE, JUDGE = "desk-small", "desk-large", "judge"
QUESTIONS = {
    "Where is my parcel?": "It left our warehouse this morning and should reach you tomorrow. Your tracking number is "
    "in the mail that we sent you.",
    "How do I reset my password?": "Choose “Forgot password” on the sign-in page. We send you a link that works for an "
    "hour.",
    "Can I change my delivery address?": "Yes, as long as the parcel has not left. Open the order and choose “Change "
    "address”.",
    "My invoice is wrong, what now?": "I am sorry. Reply with the order number and what should stand there; you get a "
    "corrected invoice today.",
    "Do you ship to Norway?": "We do. It takes four to six days, and customs are in the price that you see.",
    "The item arrived broken.": "I am sorry about that. Send us a photo, and a new one leaves today; you need not send "
    "back the broken one.",
    "Can I pay by bank transfer?": "Yes. We send the order once the money is here, which takes a day or two.",
    "How do I return shoes that do not fit?": "Print the label from your order, put it on the box and bring it to any "
    "post office within 30 days.",
}
SHORT = {question: said.split(". ")[0].rstrip(".") + "." for question, said in QUESTIONS.items()}
REASONS = {
    True: "Every part of the question is answered, and the customer knows what to do next.",
    False: "It says something true, but leaves open what the customer should do.",
}


class Vowels(rewards.RewardServer):
    """The share of letters that are vowels: a reward that even a tiny model can earn."""

    def score(self, request: rewards.Request) -> float:
        return sum(request.completion.count(letter) for letter in "aeiou") / max(1, len(request.completion))


class SetBack(Clock):
    """A clock that can be set back, and goes on from there."""

    behind = timedelta(0)

    def now(self) -> datetime:
        return super().now() - self.behind

    def new_id(self, at: datetime | None = None) -> UUID:
        return super().new_id(self.now() if at is None and self.behind else at)


@dataclass
class Desk:
    """The people at the desk: what they ask of which model, and what they think of the answers."""

    client: Tropism
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    users: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(600)])

    def day(self, requests: int, asked: Mapping[str, Any]) -> None:
        """Customers ask; most of them say whether they were helped, fewer give stars."""
        with ThreadPoolExecutor(4) as people:
            list(people.map(lambda _: self._ask(**asked), range(requests)))

    def _ask(self, **asked: Any) -> None:
        question = self.chance.choice([*QUESTIONS])
        answer = self.client.chat.create(
            [{"role": "user", "content": question}],
            user=self.chance.choice(self.users),
            labels={"channel": self.chance.choice(["web", "app", "mail"])},
            **asked,
        )
        good = 0.8 if answer.model == LARGE else 0.68
        id, helped = answer.choices[0].completion_id, self.chance.random() < good
        if self.chance.random() < 0.85:
            self.client.feedback.log_metric(helped, id, "solved")
        if self.chance.random() < 0.4:
            self.client.feedback.log_metric(self.chance.choice([4, 5] if helped else [1, 2, 3]), id, "stars")


def answering(words: Mapping[str, str], seconds: float, chance: random.Random) -> Callable[[Request], Any]:
    """A model at the provider that knows these answers and takes about so long."""

    async def play(request: Request) -> None:
        question = request.body["messages"][-1]["content"]
        said = words.get(question, "Let me look into that for you. May I have your order number?")
        await asyncio.sleep(seconds * chance.lognormvariate(0, 0.4))
        read, written = 40 + len(question) // 4, len(said) // 4
        if not request.body.get("stream"):
            return request.answer(said, read, written)
        request.begin()
        for word in said.split(" "):
            await request.say(word + " ")
            await asyncio.sleep(0.01)
        await request.end(read, written)

    return play


async def judging(request: Request) -> None:
    """A judge that looks whether the question's words come up again."""
    asked = request.body["messages"][-1]["content"]
    schema = request.body["response_format"]["json_schema"]["schema"]
    said = judged(asked, schema)
    if "reason" in said:
        said |= {"answers": True, "complete": len(asked) % 3 > 0, "focused": True}
        said["reason"] = REASONS[said["complete"]]
    request.answer(json.dumps(said), read=160, written=30)


@contextmanager
def engine(data: Path) -> Iterator[tuple[str, Tropism]]:
    """The engine with everything in it, by its URL, and a client of it."""
    clock = SetBack()
    with run_upstream() as upstream, _running(data, clock) as url, Tropism(url, KEY) as client:
        _register(client, upstream)
        _two_weeks(client, clock)
        clock.behind = timedelta(0)
        _now(client, data)
        yield url, client


@contextmanager
def _running(data: Path, clock: Clock) -> Iterator[str]:
    settings = from_environment(data=data, port=0, admin_api_key=KEY, bundled_models=False, drain_seconds=5)
    loop, stop, ready = new_event_loop(), asyncio.Event(), Future[str]()

    async def serve() -> None:
        async with running(settings, clock) as url:
            ready.set_result(url)
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    try:
        yield ready.result(60)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _register(client: Tropism, upstream: Upstream) -> None:
    chance = random.Random(3)
    upstream.plays |= {
        SMALL: answering(SHORT, 0.03, chance),
        LARGE: answering(QUESTIONS, 0.06, chance),
        JUDGE: judging,
    }
    client.use_cases.update("default", name="Notes", description="Sums up the minutes of meetings.")
    client.use_cases.create("support", "Support desk", description="Answers what customers ask about their orders.")
    client.set_default_use_case("support")
    for key, cost in ((SMALL, 0.2), (LARGE, 1.5), (JUDGE, 2.5)):
        client.models.add_external(
            key.replace("-", " ").capitalize(),
            key,
            key=key,
            provider="custom",
            api_key="sk-not-a-secret",
            endpoint=upstream.url,
            prices={"input_per_million": cost, "output_per_million": cost * 4},
        )
        client.models.attach(key, make_default=key == SMALL, wait=True)
    client.models.attach(SMALL, make_default=True, wait=True, use_case="default")
    client.feedback.register_key("solved", kind="bool", name="Solved", description="Was the customer helped?")
    client.feedback.register_key("stars", name="Stars", description="One to five, by the customer.")
    client.feedback.register_key("preferred", kind="bool", name="Preferred")
    for key in ("solved", "stars", "preferred"):
        client.feedback.link(key)
        client.feedback.link(key, use_case="default")


def _two_weeks(client: Tropism, clock: SetBack) -> None:
    desk = Desk(client)
    for day in range(DAYS - 1, -1, -1):
        clock.behind = timedelta(days=day, minutes=5)
        quiet = (clock.now().weekday() >= 5) * 30
        if day == LAST_DAYS:
            client.ab_tests.create(
                "small-or-large",
                feedback_key="solved",
                models=[SMALL, LARGE],
                guardrails=[{"metric": "latency_ms", "tolerance": 200}, {"metric": "error_rate", "tolerance": 0.05}],
                max_feedbacks=2_000,
            )
        desk.day(90 - quiet, {})
        if day > LAST_DAYS:
            desk.day(30 - quiet // 3, {"model": LARGE})
        desk.day(12, {"use_case": "default"})


def _now(client: Tropism, data: Path) -> None:
    """What is done by hand: datasets, an evaluation, people and their keys."""
    questions = data / "questions.jsonl"
    lines = [{"messages": [{"role": "user", "content": question}]} for question in QUESTIONS]
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    client.datasets.upload(questions, "questions", name="Common questions")
    filters: Any = {"feedbacks": [{"metric": "stars", "gte": 4}]}
    client.datasets.from_interactions("good-answers", name="Good answers", filters=filters)
    made = client.evaluation.jobs.create(
        {"datasource": {"dataset": {"dataset": "questions"}}},
        [SMALL, LARGE],
        JUDGE,
        "answer_relevancy",
        name="Small and large on common questions",
    )
    client.jobs.wait(made.id, timeout=300)
    _learn(client, data)
    client.teams.create("support", "Support")
    for name, role in (("Ada Byron", "annotator"), ("Grace Brewster", "maintainer")):
        client.users.create(f"{name.split()[0].lower()}@example.com", name, "support", role)
    client.api_keys.create("The app in production", use_cases=["support"], permissions=["chat:create"])


def _learn(client: Tropism, data: Path) -> None:
    """A training of a model that is small enough for a minute, on the answers that customers liked."""
    file = tiny_gguf.make_gguf(tiny.make_model(data / "weights"), data)
    client.jobs.wait(client.models.add_local(file, "tiny"), timeout=300)
    client.models.update_compute_config("tiny", {"max_seq_len": 256})
    threshold: Any = {"metric_key": "stars", "metric_metadata": {"scalar_metric": {"threshold": 4}}}
    imitation: Any = {
        "training_metadata": {"alignment_method": "SFT"},
        "training_objective": {"metric": threshold},
        "base_training_params": {"learning_rate": 5e-3, "num_epochs": 4, "batch_size": 8, "num_validations": 6},
    }
    earning: Any = {
        "training_metadata": {
            "alignment_method": "GRPO",
            "parameters": {"grpo": {"steps": 24, "kl_div_coeff": 0.05, "max_completion_tokens": 24}},
        },
        "training_objective": {"reward_server": {"remote_env": "vowels"}},
        "base_training_params": {"learning_rate": 5e-3, "batch_size": 8},
    }
    with run_reward_server(Vowels()) as url:
        client.reward_servers.add(url, "vowels")
        for name, config in (("Imitate what customers liked", imitation), ("Earn rewards", earning)):
            job: Any = {
                "output_name": f"Tiny {name.split()[-1]}",
                "training_config": config,
                "sample_config": {"datasource": {"completions": {"selection_type": "LAST", "max_samples": 300}}},
            }
            client.training.jobs.create("tiny", job, name=name, wait=True)

"""The support desk of the demo: its questions, how it asks them, and the rule by which an answer is good."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from uuid import uuid4

from rich.console import Console
from rich.live import Live

from tropism import Tropism
from tropism.cli.ab_picture import picture
from tropism.wire.ab_tests import ABTest
from tropism.wire.chat import ChatChoice, ChatCompletion

CHAT_BUBBLE = 250
"""As many characters as a chat bubble on a phone shows without scrolling."""
AT_ONCE = 4
"""Chats in flight together: as many as the local engine works on at once."""
MAX_TOKENS, TEMPERATURE = 64, 0.7
QUESTIONS = (
    "How do I reset my password?",
    "Where is my parcel?",
    "Can I change my delivery address?",
    "How do I cancel my order?",
    "My invoice is wrong, what now?",
    "Do you ship to Norway?",
    "How long does delivery take?",
    "The item arrived broken.",
    "Can I pay by bank transfer?",
    "How do I return shoes that do not fit?",
    "Is there a student discount?",
    "My discount code does not work.",
)


def fits(answer: ChatChoice) -> bool:
    """The rule: finished, and no longer than a chat bubble."""
    return answer.finish_reason == "stop" and len(answer.message.content.strip()) <= CHAT_BUBBLE


class Desk:
    """Where the demo asks, rates and tests: a use case of its own."""

    def __init__(self, client: Tropism, console: Console, name: str) -> None:
        self.client, self.console, self.name = client, console, name
        self.preferred, self.fits = f"{name}-preferred", f"{name}-fits"

    def say(self, step: int, text: str) -> None:
        self.console.print(f"\n[bold cyan]{step}.[/bold cyan] {text}")

    def ask(self, question: str, *, model: str | None = None, n: int | None = None) -> ChatCompletion:
        """Ask as a new user."""
        return self.client.chat.create(
            [{"role": "user", "content": question}],
            model=model,
            n=n,
            max_tokens=MAX_TOKENS,
            temperature=TEMPERATURE,
            user=uuid4(),
        )

    def rate(self, question: str) -> None:
        """Ask, and say whether the answer fits."""
        answer = self.ask(question).choices[0]
        self.client.feedback.log_metric(fits(answer), answer.completion_id, self.fits)

    def prefer(self, question: str) -> None:
        """Ask both variants of a test, and prefer the answer that fits; both or neither is a tie."""
        one, two = self.ask(question, n=2).choices
        fits_one, fits_two = fits(one), fits(two)
        better, worse = (two, one) if fits_two and not fits_one else (one, two)
        self.client.feedback.log_preference(
            self.preferred,
            better.completion_id,
            worse.completion_id,
            tied=None if fits_one != fits_two else "good" if fits_one else "bad",
        )

    def run_test(self, key: str, ask_and_judge: Callable[[str], None]) -> ABTest:
        """Send questions until the test has ended, with its report in view."""
        questions = cycle(QUESTIONS)
        test = self.client.ab_tests.get(key)
        with ThreadPoolExecutor(AT_ONCE) as workers, Live(picture(test), console=self.console) as live:
            while test.status in ("warmup", "in_progress"):
                list(workers.map(ask_and_judge, islice(questions, AT_ONCE)))
                test = self.client.ab_tests.get(key)
                live.update(picture(test))
        return test

    def default(self) -> str:
        """The key of the model that answers when none is named."""
        services = self.client.use_cases.get().model_services
        return next(service.model.key for service in services if service.is_default)

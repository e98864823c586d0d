"""`tropism demo`: the whole loop on the bundled model, from nothing to a promoted winner.

Two variants of one model answer a support desk's questions: one as it is, one that is told to be brief. The rule that
gives feedback is real and stated: an answer is good if it is finished and fits into a chat bubble. With `--train`, the
model learns from that feedback to be brief without being told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from rich.console import Console

from tropism import Tropism
from tropism.cli.demo_desk import MAX_TOKENS, TEMPERATURE, Desk
from tropism.cli.demo_training import Lesson
from tropism.sdk.errors import TropismError
from tropism.wire.models import Parameters

BACKBONE = "smollm2-135m-instruct"
PLAIN, BRIEF = "plain", "brief"
INSTRUCTION = "Answer in at most ten words."


def demo(*, train: bool, base_url: str | None, api_key: str | None) -> None:
    """It takes a few minutes on two cores, and some more to train. Without a URL, it starts an engine of its own."""
    console = Console(highlight=False)
    if train and base_url is None:
        _refuse_without_trainers()
    with _client(base_url, api_key, console) as client:
        Demo(client, console).run(train=train)


def _refuse_without_trainers() -> None:
    """Now rather than after minutes; an engine elsewhere says it itself."""
    from tropism.trainers.protocol import missing_packages

    if missing := missing_packages():
        raise TropismError(
            f"`tropism demo --train` trains on this machine, and {', '.join(missing)} are not installed. Install torch "
            "first, as it fits the machine (docs/concepts/training.md), then: pip install 'tropism[train]'. "
            "In a checkout: make setup-train"
        )


@contextmanager
def _client(base_url: str | None, api_key: str | None, console: Console) -> Iterator[Tropism]:
    if base_url is not None:
        with Tropism(base_url, api_key) as client:
            yield client
        return
    from tropism.testing import run_server

    console.print("Starting an engine of its own, with the bundled model (prepared in some seconds) ...")
    with run_server(echo_models=(), bundled_models=True) as engine, Tropism(engine.base_url, engine.api_key) as client:
        yield client


class Demo:
    """One walk through the loop, in a use case of its own."""

    def __init__(self, client: Tropism, console: Console) -> None:
        self._client, self._console = client, console
        self._name = f"demo-{uuid4().hex[:6]}"
        self._models = {kind: f"{self._name}-{kind}" for kind in (PLAIN, BRIEF)}
        self._desk = Desk(client, console, self._name)

    def run(self, *, train: bool) -> None:
        self._set_up()
        self._compare_side_by_side()
        self._test_on_traffic()
        if train:
            Lesson(self._desk, BACKBONE).run(first_step=5)

    def _set_up(self) -> None:
        self._desk.say(1, f"A use case, {self._name!r}, with two variants of {BACKBONE}")
        self._client.use_cases.create(self._name, description="Answers of a support desk")
        self._client.set_default_use_case(self._name)
        parameters = Parameters(max_tokens=MAX_TOKENS, temperature=TEMPERATURE)
        plain, brief = self._models[PLAIN], self._models[BRIEF]
        self._client.models.add_variant(BACKBONE, plain, parameters=parameters)
        self._client.models.add_variant(BACKBONE, brief, system_prompt=INSTRUCTION, parameters=parameters)
        self._client.models.attach(plain, make_default=True, wait=True)
        self._client.models.attach(brief, wait=True)
        self._console.print(f"   {plain}: the model as it is, the default so far")
        self._console.print(f"   {brief}: told “{INSTRUCTION}”")
        for key in (self._desk.preferred, self._desk.fits):
            self._client.feedback.register_key(key, kind="bool")
            self._client.feedback.link(key)

    def _compare_side_by_side(self) -> None:
        self._desk.say(
            2, "Preference: both answer the same question, the one that fits into a chat bubble is preferred"
        )
        test, models = f"{self._name}-side-by-side", [*self._models.values()]
        self._client.ab_tests.create(test, self._desk.preferred, models, feedback_type="preference")
        self._desk.run_test(test, self._desk.prefer)

    def _test_on_traffic(self) -> None:
        self._desk.say(3, "Metric: each user gets one of the two; 1 for an answer that fits, else 0")
        test = f"{self._name}-traffic"
        self._client.ab_tests.create(test, self._desk.fits, [*self._models.values()], auto_deploy=True)
        self._desk.run_test(test, self._desk.rate)
        self._desk.say(4, f"The default model of {self._name!r} is now [bold]{self._desk.default()}[/bold]")
        answer = self._desk.ask("How do I get a refund?").choices[0]
        self._console.print(f"   “How do I get a refund?”  →  {answer.message.content.strip()!r}")
        logged = self._client.interactions.list(page={"first": 1}).total_count
        self._console.print(
            f"   {logged} interactions were logged, each with its feedback, before its answer was sent."
        )

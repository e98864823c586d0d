"""`tropism demo`: the whole loop on the bundled model, from nothing to a promoted winner.

Two variants of one model answer a support desk's questions: one as it is, one that is told to be brief. The rule that
gives feedback is real and stated: an answer is good if it is finished and fits into a chat bubble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from uuid import uuid4

from rich.console import Console
from rich.live import Live

from tropism import Tropism
from tropism.cli.ab_picture import picture
from tropism.wire.chat import ChatChoice, ChatCompletion
from tropism.wire.models import Parameters

BACKBONE = "smollm2-135m-instruct"
PLAIN, BRIEF = "plain", "brief"
INSTRUCTION = "Answer in at most ten words."
CHAT_BUBBLE = 250
"""As many characters as a chat bubble on a phone shows without scrolling."""
AT_ONCE = 4
"""Chats in flight together: as many as the local engine works on at once."""
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


def demo(*, base_url: str | None = None, api_key: str | None = None) -> None:
    """Walk once through the whole loop on the bundled model; it takes a few minutes on two cores.

    Parameters
    ----------
    base_url
        An engine to use; without one, an engine of its own is started and removed again.
    api_key
        The key for that engine.
    """
    console = Console(highlight=False)
    with _client(base_url, api_key, console) as client:
        Demo(client, console).run()


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

    def run(self) -> None:
        self._set_up()
        self._compare_side_by_side()
        self._test_on_traffic()

    def _set_up(self) -> None:
        self._say(1, f"A use case, {self._name!r}, with two variants of {BACKBONE}")
        self._client.use_cases.create(self._name, description="Answers of a support desk")
        self._client.set_default_use_case(self._name)
        parameters = Parameters(max_tokens=64, temperature=0.7)
        plain, brief = self._models[PLAIN], self._models[BRIEF]
        self._client.models.add_variant(BACKBONE, plain, parameters=parameters)
        self._client.models.add_variant(BACKBONE, brief, system_prompt=INSTRUCTION, parameters=parameters)
        self._client.models.attach(plain, make_default=True, wait=True)
        self._client.models.attach(brief, wait=True)
        self._console.print(f"   {plain}: the model as it is, the default so far")
        self._console.print(f"   {brief}: told “{INSTRUCTION}”")
        for key in ("preferred", "fits"):
            self._client.feedback.register_key(f"{self._name}-{key}", kind="bool")
            self._client.feedback.link(f"{self._name}-{key}")

    def _compare_side_by_side(self) -> None:
        self._say(2, "Preference: both answer the same question, the one that fits into a chat bubble is preferred")
        key = f"{self._name}-preferred"
        test, models = f"{self._name}-side-by-side", [*self._models.values()]
        self._client.ab_tests.create(test, key, models, feedback_type="preference")
        self._run_test(test, self._prefer)

    def _test_on_traffic(self) -> None:
        self._say(3, "Metric: each user gets one of the two; 1 for an answer that fits, else 0")
        key, test = f"{self._name}-fits", f"{self._name}-traffic"
        self._client.ab_tests.create(test, key, [*self._models.values()], auto_deploy=True)
        self._run_test(test, self._rate)
        services = self._client.use_cases.get().model_services
        default = next(service.model.key for service in services if service.is_default)
        self._say(4, f"The default model of {self._name!r} is now [bold]{default}[/bold]")
        answer = self._ask("How do I get a refund?").choices[0]
        self._console.print(f"   “How do I get a refund?”  →  {answer.message.content.strip()!r}")
        logged = self._client.interactions.list(page={"first": 1}).total_count
        self._console.print(
            f"   {logged} interactions were logged, each with its feedback, before its answer was sent."
        )

    def _run_test(self, key: str, ask_and_judge: Callable[[str], None]) -> None:
        """Send questions until the test has ended, with its report in view."""
        questions = cycle(QUESTIONS)
        test = self._client.ab_tests.get(key)
        with ThreadPoolExecutor(AT_ONCE) as workers, Live(picture(test), console=self._console) as live:
            while test.status in ("warmup", "in_progress"):
                list(workers.map(ask_and_judge, islice(questions, AT_ONCE)))
                test = self._client.ab_tests.get(key)
                live.update(picture(test))

    def _prefer(self, question: str) -> None:
        """Ask both variants, and prefer the answer that fits; both or neither is a tie."""
        one, two = self._ask(question, n=2).choices
        fits_one, fits_two = fits(one), fits(two)
        better, worse = (two, one) if fits_two and not fits_one else (one, two)
        self._client.feedback.log_preference(
            f"{self._name}-preferred",
            better.completion_id,
            worse.completion_id,
            tied=None if fits_one != fits_two else "good" if fits_one else "bad",
        )

    def _rate(self, question: str) -> None:
        """Ask as a new user, and say whether the answer fits."""
        answer = self._ask(question).choices[0]
        self._client.feedback.log_metric(fits(answer), answer.completion_id, f"{self._name}-fits")

    def _ask(self, question: str, n: int | None = None) -> ChatCompletion:
        return self._client.chat.create([{"role": "user", "content": question}], n=n, user=uuid4())

    def _say(self, step: int, text: str) -> None:
        self._console.print(f"\n[bold cyan]{step}.[/bold cyan] {text}")


def fits(answer: ChatChoice) -> bool:
    """The rule: finished, and no longer than a chat bubble."""
    return answer.finish_reason == "stop" and len(answer.message.content.strip()) <= CHAT_BUBBLE

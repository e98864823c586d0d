"""What `tropism demo --train` adds: the demo's feedback trains an adapter, which is tested, and promoted if it wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rich.markup import escape
from rich.table import Table

from tropism.cli.demo_desk import QUESTIONS, Desk, fits
from tropism.cli.training_progress import follow
from tropism.sdk.errors import TropismError
from tropism.wire.ab_tests import ABTest, VariantReport
from tropism.wire.chat import ChatChoice
from tropism.wire.training import TrainingJob

HELD_OUT = (
    "How do I get a refund?",
    "Can I pick up my order in a shop?",
    "Do you sell gift cards?",
    "I was charged twice.",
    "How do I delete my account?",
    "Can I order by phone?",
)
"""Questions that nothing is learnt from."""
MOST_PAIRS = 48
LEAST_GAIN, MOST_ANSWERS = 0.15, 400
"""The test ends without a winner when no such gain in the share of good answers can be there, or after so many each."""


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How much is learnt; a test takes less."""

    num_epochs: int = 2
    batch_size: int = 4
    learning_rate: float = 5e-4
    num_validations: int = 2


class Lesson:
    """The steps after the demo's loop. The desk's use case has its feedback already."""

    def __init__(self, desk: Desk, parent: str, amount: Amount = Amount()) -> None:
        self._desk, self._parent, self._amount = desk, parent, amount
        self._client, self._console = desk.client, desk.console

    def run(self, first_step: int) -> str:
        """Teach, test, promote; the child's key."""
        self._prefer_what_fits(first_step)
        child = self._train(first_step + 1)
        test = self._test(first_step + 2, child)
        self._show(first_step + 3, child, test)
        return child

    def _prefer_what_fits(self, step: int) -> None:
        self._desk.say(
            step, "Preferences: of two logged answers to a question, the one that fits over the one that does not"
        )
        good, bad = self._logged(1), self._logged(0)
        made = 0
        for question in QUESTIONS:
            for better, worse in zip(good.get(question, ()), bad.get(question, ()), strict=False):
                self._client.feedback.log_preference(self._desk.preferred, better, worse)
                made += 1
        self._console.print(f"   {made} made of the values of step 3, beside those that were given in step 2")

    def _logged(self, value: int) -> dict[str, list[UUID]]:
        """The ids of answers with this value, by their question."""
        found: dict[str, list[UUID]] = {}
        wanted: Any = {"feedbacks": [{"metric": self._desk.fits, "eq": value}]}
        for each in self._client.interactions.list(filters=wanted, page={"first": MOST_PAIRS}).nodes:
            found.setdefault(str(each.messages[-1].content), []).append(each.id)
        return found

    def _train(self, step: int) -> str:
        self._desk.say(
            step, f"Training: {self._parent} learns what is preferred (DPO), as an adapter of a few megabytes"
        )
        job = self._client.training.jobs.create(self._parent, self._config())
        job = follow(self._client, str(job.id), self._console)
        if job.status != "COMPLETED" or job.output_model is None:
            raise TropismError(f"The training ended as {job.status}: {job.error or 'somebody canceled it'}")
        self._console.print(f"   {_learnt(job)}")
        return job.output_model

    def _config(self) -> Any:
        amount = self._amount
        return {
            "output_name": f"{self._desk.name}-trained",
            "training_config": {
                "base_training_params": {
                    "learning_rate": amount.learning_rate,
                    "num_epochs": amount.num_epochs,
                    "batch_size": amount.batch_size,
                    "num_validations": amount.num_validations,
                },
                "training_metadata": {"alignment_method": "DPO"},
                "training_objective": {"metric": {"metric_key": self._desk.preferred}},
            },
            "sample_config": {
                "feedback_type": "PREFERENCE",
                "datasource": {"completions": {"selection_type": "LAST", "max_samples": MOST_PAIRS}},
            },
        }

    def _test(self, step: int, child: str) -> ABTest:
        self._desk.say(step, f"A/B test: {child} against its parent, neither of them told to be brief")
        for model in (self._parent, child):
            self._client.models.attach(model, wait=True)
        key = f"{self._desk.name}-child"
        self._client.ab_tests.create(
            key,
            self._desk.fits,
            [self._parent, child],
            auto_deploy=True,
            min_effect=LEAST_GAIN,
            max_feedbacks=MOST_ANSWERS,
        )
        return self._desk.run_test(key, self._desk.rate)

    def _show(self, step: int, child: str, test: ABTest) -> None:
        default = self._desk.default()
        self._desk.say(
            step, f"Before and after; the default model of {self._desk.name!r} is now [bold]{default}[/bold]"
        )
        by_key = {variant.variant: variant for variant in test.report.variants}
        self._console.print(f"   before, {self._parent}: {_share(by_key[self._parent])}")
        self._console.print(f"   after, {child}: {_share(by_key[child])}")
        self._console.print("   On questions that it never saw:")
        self._console.print(self._examples(child))

    def _examples(self, child: str) -> Table:
        table = Table("question", "before", "after", box=None, padding=(0, 2, 1, 3))
        for question in HELD_OUT:
            answers = [self._desk.ask(question, model=model).choices[0] for model in (self._parent, child)]
            table.add_row(question, *map(_said, answers))
        return table


def _learnt(job: TrainingJob) -> str:
    """What held-out pairs say about it."""
    outcome = job.outcome
    accuracy = "rewards/accuracies"
    if outcome is None or accuracy not in outcome.after:
        return f"{job.samples} pairs"
    return (
        f"{job.samples} pairs; of those held out, it finds the preferred answer the likelier one in "
        f"{outcome.after[accuracy]:.0%} (step {outcome.steps}, {outcome.seconds:.0f} s)"
    )


def _share(variant: VariantReport) -> str:
    found = variant.interval
    if found is None:
        return f"too few answers ({variant.feedbacks}) to say"
    return f"{found.middle:.0%} of {variant.feedbacks} answers are good ({found.start:.0%} to {found.end:.0%})"


def _said(answer: ChatChoice) -> str:
    mark = "[green]fits[/green]" if fits(answer) else "[red]does not fit[/red]"
    return f"{mark}  {escape(' '.join(answer.message.content.split()))}"

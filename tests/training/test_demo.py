"""`tropism demo --train` teaches the bundled model what was preferred and promotes it. Needs the extra `train`."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

from rich.console import Console
from tests.training.conftest import BUNDLED

from tropism import Tropism
from tropism.cli.demo_desk import QUESTIONS, Desk
from tropism.cli.demo_training import HELD_OUT, Amount, Lesson

pytestmark = pytest.mark.train

GOOD = ("Please write to our support.", "We will look into it.")
LITTLE = Amount(num_epochs=3, batch_size=6, learning_rate=1e-3, num_validations=0)


@pytest.fixture
def desk(bundled: Tropism) -> Desk:
    """A use case in which each question was answered well and badly, as the demo's loop leaves one.

    Badly by the model itself: it would not learn much from being told not to say what it never says.
    """
    desk = Desk(bundled, Console(file=io.StringIO(), width=200), "desk")
    bundled.use_cases.create(desk.name)
    bundled.set_default_use_case(desk.name)
    bundled.models.attach(BUNDLED, make_default=True, wait=True)
    for key in (desk.preferred, desk.fits):
        bundled.feedback.register_key(key, kind="bool")
        bundled.feedback.link(key)
    for number, question in enumerate(QUESTIONS):
        own = desk.ask(question).choices[0].message.content
        for answer, value in ((GOOD[number % 2], 1), (own, 0)):
            bundled.interactions.create(
                answer,
                messages=[{"role": "user", "content": question}],
                feedbacks=[{"feedback_key": desk.fits, "value": value}],
            )
    return desk


def test_the_child_answers_as_was_preferred_and_is_promoted(desk: Desk) -> None:
    child = Lesson(desk, BUNDLED, LITTLE).run(first_step=5)
    assert desk.default() == child
    assert desk.client.models.get(child).backbone == BUNDLED
    [test] = desk.client.ab_tests.list(use_case=desk.name)
    assert test.report.winner == child
    before, after = (next(v for v in test.report.variants if v.variant == key) for key in (BUNDLED, child))
    assert before.interval
    assert after.interval
    assert after.interval.start > before.interval.middle
    told = desk.console.file.getvalue()  # type: ignore[attr-defined]
    assert "12 made of the values" in told
    assert f"{after.interval.middle:.0%} of {after.feedbacks} answers are good" in told
    assert all(question in told for question in HELD_OUT)
    assert "COMPLETED: samples 12/12" in told, "it was watched while it trained"

"""Agreement of a judge with people, through the API: two feedback keys on the same completions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from tests.conftest import Both

from tropism import AuthenticationError, BadRequestError, NotFoundError, Tropism, UnprocessableEntityError
from tropism.testing import RunningServer

HELLO: Any = [{"role": "user", "content": "one two three"}]


@pytest.fixture
def judged(client: Tropism, use_case: str) -> str:
    """A use case with 20 completions that a judge scored and people rated: they disagree on three."""
    client.feedback.register_key(f"{use_case}-judge")
    client.feedback.link(f"{use_case}-judge", use_case=use_case)
    scores = [0.9] * 9 + [0.2] + [0.1] * 8 + [0.8] * 2
    thumbs = [1] * 10 + [0] * 10
    log(client, use_case, list(zip(scores, thumbs, strict=True)))
    return use_case


def log(client: Tropism, use_case: str, values: Sequence[tuple[float, float]]) -> None:
    made = client.interactions.create_many(
        [
            {
                "completion": "an answer",
                "messages": HELLO,
                "feedbacks": [
                    {"feedback_key": f"{use_case}-judge", "value": score},
                    {"feedback_key": f"{use_case}-thumbs", "value": thumb},
                ],
            }
            for score, thumb in values
        ],
        use_case=use_case,
    )
    assert len(made) == len(values)


def test_the_figures(call: Both, judged: str) -> None:
    found = call("judges.agreement", f"{judged}-judge", f"{judged}-thumbs", use_case=judged)
    assert (found.n, found.both_good, found.only_judge_good, found.only_human_good, found.neither_good) == (
        20,
        9,
        2,
        1,
        8,
    )
    assert found.agreement.middle == 0.85
    assert found.agreement.start < 0.85 < found.agreement.end
    assert found.kappa.middle == pytest.approx(0.7)
    assert found.rank_correlation.middle > 0.5
    assert (found.threshold, found.human_threshold, found.skipped) == (0.5, 0.5, 0)
    assert "say the same of 17 of 20 completions; kappa is 0.70" in found.sentence


def test_a_threshold_decides_what_is_good(call: Both, judged: str) -> None:
    found = call("judges.agreement", f"{judged}-judge", f"{judged}-thumbs", 0.85, use_case=judged)
    assert (found.both_good, found.only_judge_good, found.only_human_good) == (9, 0, 1)
    assert found.threshold == 0.85


def test_values_of_several_users_are_averaged(call: Both, client: Tropism, judged: str) -> None:
    made = client.interactions.create(
        "x", messages=HELLO, use_case=judged, feedbacks=[{"feedback_key": f"{judged}-judge", "value": 1}]
    )
    for value in (1, 1, 0):
        client.feedback.log_metric(value, made.completion_id, f"{judged}-thumbs", user=uuid4())
    assert call("judges.agreement", f"{judged}-judge", f"{judged}-thumbs", use_case=judged).both_good == 10


def test_of_a_key_where_lower_is_better_low_values_are_good(call: Both, client: Tropism, judged: str) -> None:
    key = f"{judged}-errors-{uuid4().hex[:8]}"
    client.feedback.register_key(key, scoring_type="lower_is_better")
    client.feedback.link(key, use_case=judged)
    for thumb, errors in ((1, 0), (1, 1), (0, 7)):
        feedbacks = [{"feedback_key": f"{judged}-thumbs", "value": thumb}, {"feedback_key": key, "value": errors}]
        client.interactions.create("x", messages=HELLO, use_case=judged, feedbacks=feedbacks)  # type: ignore[arg-type]
    found = call("judges.agreement", key, f"{judged}-thumbs", 1, use_case=judged)
    assert (found.both_good, found.neither_good, found.n) == (2, 1, 3)


def test_without_completions_that_have_both_there_is_only_a_sentence(call: Both, use_case: str) -> None:
    found = call("judges.agreement", f"{use_case}-stars", f"{use_case}-thumbs", use_case=use_case)
    assert (found.n, found.agreement, found.kappa, found.rank_correlation) == (0, None, None, None)
    assert "No completion has values of both" in found.sentence


def test_a_judge_that_always_says_yes_is_not_told_from_chance(call: Both, client: Tropism, judged: str) -> None:
    found = call("judges.agreement", f"{judged}-judge", f"{judged}-thumbs", 0, use_case=judged)
    assert found.kappa.middle == 0.0
    assert "not told from chance" in found.sentence


def test_a_scalar_key_of_people_needs_a_threshold(call: Both, judged: str) -> None:
    with pytest.raises(UnprocessableEntityError, match="from which value on it is good, with `human_threshold`"):
        call("judges.agreement", f"{judged}-judge", f"{judged}-stars", use_case=judged)
    found = call("judges.agreement", f"{judged}-judge", f"{judged}-stars", human_threshold=4, use_case=judged)
    assert found.n == 0


def test_bad_keys_are_named(call: Both, client: Tropism, judged: str) -> None:
    with pytest.raises(NotFoundError, match="no feedback key 'nothing'"):
        call("judges.agreement", "nothing", f"{judged}-thumbs", use_case=judged)
    with pytest.raises(UnprocessableEntityError, match="name two different ones"):
        call("judges.agreement", f"{judged}-thumbs", f"{judged}-thumbs", use_case=judged)
    client.feedback.unlink(f"{judged}-stars", use_case=judged)
    with pytest.raises(UnprocessableEntityError, match="is not linked to use case"):
        call("judges.agreement", f"{judged}-stars", f"{judged}-thumbs", use_case=judged)


def test_the_methods_are_listed(call: Both) -> None:
    found = {each.method: each for each in call("judges.list")}
    assert set(found) == {"faithfulness", "answer_relevancy", "context_relevancy", "custom"}
    assert found["faithfulness"].needs == ["completion", "documents"]
    assert found["answer_relevancy"].calls_per_sample == "1"
    assert all(each.description for each in found.values())


def test_strangers_are_refused(server: RunningServer, use_case: str) -> None:
    with Tropism(server.base_url, "tk_wrong") as stranger, pytest.raises(AuthenticationError):
        stranger.judges.agreement(f"{use_case}-stars", f"{use_case}-thumbs", use_case=use_case)


def test_a_threshold_that_is_no_number_is_refused(call: Both, judged: str) -> None:
    with pytest.raises((UnprocessableEntityError, BadRequestError)):
        call("judges.agreement", f"{judged}-judge", f"{judged}-thumbs", float("nan"), use_case=judged)

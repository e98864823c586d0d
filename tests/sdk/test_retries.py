"""When a call is sent again: answers are fed to the flows by hand, nothing waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tropism.sdk.ab_tests import _ABTests
from tropism.sdk.chat import _Chat
from tropism.sdk.errors import (
    APIConnectionError,
    APITimeoutError,
    InternalServerError,
    RateLimitError,
    TropismError,
)
from tropism.sdk.feedback import _Feedback
from tropism.sdk.flow import Answer, Defaults, Flow, Lost, Resource, Sleep
from tropism.sdk.interactions import _Interactions
from tropism.sdk.models import _Models
from tropism.sdk.request import Request
from tropism.wire.feedback import MetricFeedback

BROKEN = Lost(APIConnectionError("broke"), sent=True)
UNREACHED = Lost(APIConnectionError("no connection"), sent=False)
TIMED_OUT = Lost(APITimeoutError("nothing came"), sent=True)
LOGGED = Answer(
    201,
    msgspec.json.encode(
        MetricFeedback(
            id=uuid4(),
            feedback_key="k",
            value=1.0,
            completion_id=uuid4(),
            user=None,
            details=None,
            reason=None,
            created_at=datetime.now(UTC),
        )
    ),
)


def resource(kind: type[Resource]) -> Any:
    made = kind()
    made._defaults = Defaults("support")
    return made


def log_metric() -> Flow[MetricFeedback]:
    flow: Flow[MetricFeedback] = _Feedback.log_metric.flow(resource(_Feedback), 1, "some-id", "k")
    return flow


def get_model() -> Flow[Any]:
    return _Models.get.flow(resource(_Models), "m")


def chat() -> Flow[Any]:
    operation: Any = _Chat.create
    flow: Flow[Any] = operation.flow(resource(_Chat), [{"role": "user", "content": "hi"}])
    return flow


def query() -> Flow[Any]:
    return _Interactions.list.flow(resource(_Interactions))


def cancel() -> Flow[Any]:
    return _ABTests.cancel.flow(resource(_ABTests), "t")


@pytest.mark.parametrize("start", [log_metric, get_model, query, cancel])
@pytest.mark.parametrize("bad", [Answer(s) for s in (429, 502, 503, 504)] + [BROKEN, UNREACHED, TIMED_OUT])
def test_what_may_be_repeated_is_sent_again(start: Any, bad: Answer | Lost) -> None:
    flow = start()
    first = next(flow)
    pause = flow.send(bad)
    assert isinstance(pause, Sleep)
    assert 0.25 <= pause.seconds <= 0.5
    assert flow.send(None) == first


@pytest.mark.parametrize("bad", [Answer(429), Answer(503), UNREACHED])
def test_generation_is_sent_again_when_it_certainly_did_not_begin(bad: Answer | Lost) -> None:
    flow = chat()
    first = next(flow)
    assert isinstance(flow.send(bad), Sleep)
    assert flow.send(None) == first


@pytest.mark.parametrize("bad", [Answer(500), Answer(502), Answer(504), BROKEN, TIMED_OUT])
def test_generation_is_not_sent_again_when_it_may_have_begun(bad: Answer | Lost) -> None:
    flow = chat()
    next(flow)
    with pytest.raises(TropismError):
        flow.send(bad)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500, 501])
def test_other_refusals_are_final(status: int) -> None:
    flow = log_metric()
    next(flow)
    with pytest.raises(TropismError):
        flow.send(Answer(status))


def test_waits_grow_and_end() -> None:
    flow = get_model()
    next(flow)
    for longest in (0.5, 1.0, 2.0):
        pause = flow.send(Answer(503))
        assert isinstance(pause, Sleep)
        assert longest / 2 <= pause.seconds <= longest
        flow.send(None)
    with pytest.raises(InternalServerError):
        flow.send(Answer(503))


def test_the_last_error_is_the_one_that_is_raised() -> None:
    flow = get_model()
    next(flow)
    for bad in (Answer(503), BROKEN, Answer(502)):
        flow.send(bad)
        flow.send(None)
    with pytest.raises(APITimeoutError, match="nothing came"):
        flow.send(TIMED_OUT)


def test_a_good_answer_after_a_bad_one_is_returned() -> None:
    flow = log_metric()
    next(flow)
    flow.send(BROKEN)
    flow.send(None)
    with pytest.raises(StopIteration) as stop:
        flow.send(LOGGED)
    assert stop.value.value.feedback_key == "k"


def test_a_write_keeps_its_idempotency_key_and_the_next_one_has_another() -> None:
    def keys(flow: Flow[Any]) -> list[str]:
        steps = [next(flow), flow.send(BROKEN), flow.send(None)]
        return [step.headers["Idempotency-Key"] for step in steps if isinstance(step, Request)]

    first, second = keys(log_metric()), keys(log_metric())
    assert first[0] == first[1]
    assert second[0] == second[1]
    assert first[0] != second[0]


@pytest.mark.parametrize("start", [chat, get_model])
def test_reads_and_generation_carry_no_idempotency_key(start: Any) -> None:
    assert "Idempotency-Key" not in next(start()).headers


def test_retry_after_in_seconds_is_waited_for() -> None:
    flow = get_model()
    next(flow)
    assert flow.send(Answer(429, headers={"retry-after": "7"})) == Sleep(7.0)


def test_retry_after_as_a_date_is_waited_for() -> None:
    flow = get_model()
    next(flow)
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    pause = flow.send(Answer(503, headers={"retry-after": date}))
    assert isinstance(pause, Sleep)
    assert 15 < pause.seconds <= 20


def test_a_retry_after_that_is_no_time_is_ignored() -> None:
    flow = get_model()
    next(flow)
    pause = flow.send(Answer(503, headers={"retry-after": "soon"}))
    assert isinstance(pause, Sleep)
    assert pause.seconds <= 0.5


def test_a_server_that_asks_for_too_long_a_wait_is_not_waited_for() -> None:
    flow = get_model()
    next(flow)
    with pytest.raises(RateLimitError):
        flow.send(Answer(429, headers={"retry-after": "3600"}))

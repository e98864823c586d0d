"""Waiting for a model, with a clock that the test turns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tropism.sdk.errors import APITimeoutError, TropismError
from tropism.sdk.flow import Answer, Defaults, Flow, Now, Sleep
from tropism.sdk.models import _Models
from tropism.sdk.request import Request
from tropism.wire.models import ComputeConfig, Model, ModelService, Online
from tropism.wire.use_cases import UseCase

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def model(online: Online, error: str | None = None) -> Model:
    return Model(
        id=UUID(int=7),
        key="small",
        name="Small",
        online=online,
        error=error,
        kind="Generation",
        is_external=False,
        provider_name=None,
        is_adapter=False,
        is_training=False,
        in_storage=True,
        available=True,
        trainable=True,
        size=None,
        backbone=None,
        system_prompt=None,
        parameters=None,
        version=None,
        compute_config=ComputeConfig(),
        prices=None,
        prices_source=None,
        concurrency=None,
        training_job=None,
        origin=None,
        created_at=WHEN,
    )


def service(online: Online, error: str | None = None) -> ModelService:
    return ModelService(
        model=model(online, error),
        is_default=True,
        desired_online=True,
        online=online,
        placement=None,
        fallbacks=[],
        reliability=None,
    )


def use_case(*services: ModelService) -> UseCase:
    return UseCase(
        id=UUID(int=1),
        key="support",
        name="Support",
        description=None,
        team="default",
        created_at=WHEN,
        feedback_keys=[],
        model_services=list(services),
        shared_with=[],
        retention_days=None,
        redact=[],
        cache_seconds=None,
        cache_answers=10_000,
    )


def run(flow: Flow[Any], *answers: Any) -> tuple[Any, list[Request], float]:
    """Carry out a flow whose sleeps take no time but move the clock."""
    left, sent, now = list(answers), list[Request](), 0.0
    reply: Answer | float | None = None
    while True:
        try:
            step = flow.send(reply)
        except StopIteration as stop:
            return stop.value, sent, now
        match step:
            case Request():
                sent.append(step)
                answer = left.pop(0) if len(left) > 1 else left[0]
                reply = Answer(200, msgspec.json.encode(answer))
            case Sleep(seconds):
                now, reply = now + seconds, None
            case Now():
                reply = now


def models() -> Any:
    resource = _Models()
    resource._defaults = Defaults("support")
    return resource


def test_deploy_waits_until_online() -> None:
    flow = _Models.deploy.flow(models(), "small", wait=True)
    deployed, sent, waited = run(flow, model("PENDING"), model("PENDING"), model("ONLINE"))
    assert deployed.online == "ONLINE"
    assert [request.method for request in sent] == ["POST", "GET", "GET"]
    assert 0 < waited < 1


def test_deploy_that_is_online_at_once_asks_no_more() -> None:
    _, sent, waited = run(_Models.deploy.flow(models(), "small", wait=True), model("ONLINE"))
    assert (len(sent), waited) == (1, 0)


def test_without_wait_one_request_is_all() -> None:
    attached, sent, _ = run(_Models.attach.flow(models(), "small"), service("PENDING"))
    assert (attached.online, len(sent)) == ("PENDING", 1)


def test_attach_waits_for_the_state_that_the_use_case_sees() -> None:
    flow = _Models.attach.flow(models(), "small", wait=True)
    answers = service("PENDING"), use_case(service("OFFLINE")), use_case(service("ONLINE"))
    attached, sent, _ = run(flow, *answers)
    assert attached.online == "ONLINE"
    assert sent[-1].path == "/api/v1/use_cases/support"


@pytest.mark.parametrize("operation", [_Models.deploy, _Models.attach])
def test_a_model_that_cannot_start_raises_its_own_reason(operation: Any) -> None:
    answers = (
        [model("PENDING"), model("ERROR", "no such file")]
        if operation is _Models.deploy
        else [service("PENDING"), use_case(service("ERROR", "no such file"))]
    )
    with pytest.raises(TropismError, match=r"'small' could not be started: no such file"):
        run(operation.flow(models(), "small", wait=True), *answers)


def test_a_model_that_never_comes_is_a_timeout_that_says_what_to_do() -> None:
    flow = _Models.deploy.flow(models(), "small", wait=True, wait_timeout=30)
    with pytest.raises(APITimeoutError, match=r"still PENDING after 30 seconds.*wait_timeout"):
        run(flow, model("PENDING"))


def test_a_model_that_is_detached_meanwhile_is_an_error() -> None:
    with pytest.raises(TropismError, match="was detached"):
        run(_Models.attach.flow(models(), "small", wait=True), service("PENDING"), use_case())

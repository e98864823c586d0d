"""The whole loop through both faces, against the real server."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from tropism import (
    APIStatusError,
    AsyncTropism,
    AuthenticationError,
    ConflictError,
    NotFoundError,
    Tropism,
    UnprocessableEntityError,
)
from tropism.sdk.flow import Answer
from tropism.sdk.request import prepare
from tropism.testing import RunningServer
from tropism.wire import interactions as wire
from tropism.wire.permissions import PERMISSIONS

HELLO = [{"role": "user", "content": "one two three"}]


def text(stream: list[Any]) -> str:
    return "".join(choice.delta.content for chunk in stream for choice in chunk.choices)


def test_use_cases_are_made_listed_and_found_by_key_or_id(call: Any) -> None:
    key = f"case-{uuid4().hex[:8]}"
    made = call("use_cases.create", key, description="To test.")
    assert (made.name, made.description) == (key, "To test.")
    assert made.id in [use_case.id for use_case in call("use_cases.list")]
    assert call("use_cases.get", key) == call("use_cases.get", made.id) == call("use_cases.get", str(made.id))
    with pytest.raises(ConflictError):
        call("use_cases.create", key)


def test_models_are_attached_updated_and_detached(call: Any, use_case: str) -> None:
    service = call("models.attach", "echo-c", wait=True, placement={"max_ttft_ms": 500}, use_case=use_case)
    assert (service.online, service.is_default) == ("ONLINE", False)
    assert call("models.update", "echo-c", is_default=True, use_case=use_case).is_default
    assert call("models.update", "echo-c", desired_online=False, use_case=use_case).desired_online is False
    assert call("models.detach", "echo-c", use_case=use_case) is None
    keys = [service.model.key for service in call("use_cases.get", use_case).model_services]
    assert sorted(keys) == ["echo-a", "echo-b"]


def test_variants_are_registered_and_deployed(call: Any) -> None:
    key = f"variant-{uuid4().hex[:8]}"
    made = call("models.add_variant", "echo-a", key, system_prompt="Be kind.", parameters={"temperature": 0.5})
    assert (made.backbone, made.system_prompt) == ("echo-a", "Be kind.")
    assert call("models.deploy", key, wait=True).online == "ONLINE"
    assert call("models.update_compute_config", "echo-c", {"max_seq_len": 1024}).compute_config.max_seq_len == 1024
    assert key in [model.key for model in call("models.list", {"kind": "Generation"})]
    assert call("models.get", made.id).key == key


def test_a_chat_answer_takes_feedback_at_once(call: Any, use_case: str) -> None:
    answer = call("chat.create", HELLO, use_case=use_case, labels={"page": "home"}, n=2)
    assert [choice.message.content for choice in answer.choices] == ["one two three"] * 2
    logged = call("feedback.log_metric", True, answer.choices[1].completion_id, f"{use_case}-thumbs")
    assert logged.value == 1.0
    found = call("interactions.get", answer.choices[1].completion_id, use_case=use_case)
    assert [feedback.id for feedback in found.direct_feedbacks] == [logged.id]
    assert found.labels == {"page": "home"}


def test_a_stream_comes_in_pieces_and_ends_with_its_usage(call: Any, use_case: str) -> None:
    chunks = call.items(call("chat.create", HELLO, stream=True, stream_include_usage=True, use_case=use_case))
    assert text(chunks) == "one two three"
    assert len(chunks) > 3
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 3


def test_prompts_are_completed_whole_and_in_pieces(call: Any, use_case: str) -> None:
    assert call("completions.create", "one two", use_case=use_case).choices[0].text == "one two"
    chunks = call.items(call("completions.create", "one two", stream=True, use_case=use_case))
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == "one two"


def test_leaving_a_stream_cancels_the_generation(client: Tropism, use_case: str) -> None:
    long = [{"role": "user", "content": "word " * 20_000}]
    for chunk in client.chat.create(long, stream=True, use_case=use_case):
        completion_id = chunk.choices[0].completion_id
        break
    for _ in range(100):
        try:
            found = client.interactions.get(completion_id, use_case=use_case)
            break
        except NotFoundError:
            time.sleep(0.05)
    assert found.finish_reason == "cancelled"
    assert found.usage is not None
    assert found.usage.completion_tokens < 20_000


def test_interactions_are_logged_listed_and_paged(call: Any, use_case: str) -> None:
    thumbs = f"{use_case}-thumbs"
    one = call(
        "interactions.create",
        "made elsewhere",
        model="echo-a",
        prompt="hi",
        feedbacks=[{"feedback_key": thumbs, "value": True}],
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        use_case=use_case,
    )
    assert len(one.feedback_ids) == 1
    many = [{"completion": f"number {n}", "prompt": "hi"} for n in range(5)]
    logged = call("interactions.create_many", many, use_case=use_case)
    assert len({item.completion_id for item in logged}) == 5
    page = call("interactions.list", filters={"feedbacks": [{"metric": thumbs, "eq": 1}]}, use_case=use_case)
    assert [node.id for node in page.nodes] == [one.completion_id]
    stamp = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    page = call("interactions.list", filters={"timerange": {"from": stamp, "to": stamp + 1}}, use_case=use_case)
    assert page.total_count == 1


def test_list_all_goes_through_every_page_once(call: Any, client: Tropism, use_case: str) -> None:
    client.interactions.create_many([{"completion": str(n), "prompt": "hi"} for n in range(7)], use_case=use_case)
    interactions = call._client.interactions
    found = call.items(interactions.list_all([{"field": "created_at", "order": "ASC"}], page_size=3, use_case=use_case))
    assert sorted(node.completion for node in found) == [str(n) for n in range(7)]
    assert len({node.id for node in found}) == 7


def test_preferences_and_outcomes_are_logged(call: Any, use_case: str) -> None:
    thumbs, stars = f"{use_case}-thumbs", f"{use_case}-stars"
    first, second = (call("chat.create", HELLO, use_case=use_case) for _ in range(2))
    logged = call("feedback.log_preference", thumbs, first.id, str(second.id), tied="good", use_case=use_case)
    assert (logged.preferred_completion_id, logged.tied) == (first.id, "good")
    texts = [{"model": "echo-a", "text": "x"}, {"model": "echo-b", "text": "y"}]
    assert call("feedback.log_preference", thumbs, *texts, prompt="hi", use_case=use_case).tied is None
    outcome = call("feedback.log_outcome", 4.5, first.session_id, stars)
    assert (outcome.value, outcome.completion_id) == (4.5, first.id)


def test_feedback_keys_are_linked_and_unlinked(call: Any, use_case: str) -> None:
    key = f"key-{uuid4().hex[:8]}"
    call("feedback.register_key", key, scoring_type="lower_is_better")
    assert call("feedback.get_key", key).scoring_type == "lower_is_better"
    assert key in [found.key for found in call("feedback.list_keys")]
    call("feedback.link", key, use_case=use_case)
    assert call("feedback.unlink", key, use_case=use_case) is None


def test_an_ab_test_runs_and_is_cancelled(call: Any, use_case: str) -> None:
    key = f"test-{uuid4().hex[:8]}"
    made = call("ab_tests.create", key, f"{use_case}-thumbs", ["echo-a", "echo-b"], use_case=use_case)
    assert made.status == "warmup"
    answer = call("chat.create", HELLO, ab_campaign=key, use_case=use_case)
    call("feedback.log_metric", 1, answer.id, f"{use_case}-thumbs")
    assert call("ab_tests.get", key).report.feedbacks == 1
    assert [test.key for test in call("ab_tests.list", active=True, use_case=use_case)] == [key]
    assert call("ab_tests.cancel", made.id).status == "cancelled"
    assert call("ab_tests.list", active=True, use_case=use_case) == []
    assert [test.key for test in call("ab_tests.list", status="cancelled", use_case=use_case)] == [key]


def test_users_and_permissions(call: Any) -> None:
    assert call("permissions.list") == list(PERMISSIONS)
    assert call("users.me").teams


@pytest.mark.parametrize(
    ("operation", "arguments", "kind"),
    [
        ("use_cases.get", {"use_case": "missing"}, NotFoundError),
        ("models.get", {"model": UUID(int=1)}, NotFoundError),
        ("models.get", {"model": "a/b"}, APIStatusError),
        ("feedback.log_metric", {"value": 1, "completion_id": "no-id", "feedback_key": "k"}, UnprocessableEntityError),
        ("chat.create", {"messages": [], "use_case": "default"}, UnprocessableEntityError),
        ("chat.create", {"messages": HELLO, "temperature": 9, "use_case": "default"}, UnprocessableEntityError),
        ("feedback.register_key", {"key": "has spaces"}, UnprocessableEntityError),
    ],
)
def test_what_the_server_refuses_is_a_typed_error(
    call: Any, operation: str, arguments: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        call(operation, **arguments)


def test_a_refusal_names_the_field(call: Any) -> None:
    with pytest.raises(UnprocessableEntityError) as caught:
        call("chat.create", HELLO, temperature=9, use_case="default")
    assert caught.value.param == "temperature"


def test_a_wrong_key_is_an_authentication_error(server: RunningServer) -> None:
    with Tropism(server.base_url, "wrong") as client, pytest.raises(AuthenticationError):
        client.users.me()


def test_many_calls_of_one_async_client_at_once(server: RunningServer, use_case: str) -> None:
    async def burst() -> set[UUID]:
        async with AsyncTropism(server.base_url, server.api_key) as client:
            client.set_default_use_case(use_case)
            answers = await asyncio.gather(*(client.chat.create(HELLO) for _ in range(100)))
            return {answer.id for answer in answers}

    assert len(asyncio.run(burst())) == 100


def test_a_write_whose_answer_was_lost_happens_once(client: Tropism, use_case: str) -> None:
    """The request is sent twice with one idempotency key, as a retry would."""
    takes = wire.InteractionCreate(use_case=use_case, completion="once", prompt="hi")
    request = prepare(wire.CREATE, takes)
    first, second = (client._connection.send(request) for _ in range(2))
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert first.body == second.body
    assert client.interactions.list(use_case=use_case).total_count == 1

"""Values on completions and sessions: what a key takes, and whose value replaces whose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx2.Client(base_url=server.base_url, headers=headers) as client:
        yield client


@pytest.fixture
def completion(client: Tropism, use_case: str) -> UUID:
    return client.interactions.create("A", prompt="Q", use_case=use_case).completion_id


def logged(client: Tropism, id: UUID, use_case: str) -> list[tuple[str, float, UUID | None]]:
    found = client.interactions.get(id, use_case=use_case).direct_feedbacks
    return [(each.feedback_key.rpartition("-")[2], each.value, each.user) for each in found]


@pytest.mark.parametrize(("value", "kept"), [(0, 0.0), (1, 1.0), (True, 1.0), (False, 0.0), (1.0, 1.0), (-0.0, 0.0)])
def test_a_bool_key_takes_both_words_and_numbers(
    call: Both, client: Tropism, use_case: str, completion: UUID, value: Any, kept: float
) -> None:
    answer = call("feedback.log_metric", value, completion, f"{use_case}-thumbs", details="d", reason="r")
    assert (answer.value, answer.completion_id, answer.details, answer.reason) == (kept, completion, "d", "r")
    assert logged(client, completion, use_case) == [("thumbs", kept, None)]


@pytest.mark.parametrize(
    "value", ["2", "-1", "0.5", "1e-300", "1e999", "-1e999", "NaN", "Infinity", "-Infinity", '"1"']
)
def test_a_bool_key_takes_nothing_else(
    http: httpx2.Client, client: Tropism, use_case: str, completion: UUID, value: str
) -> None:
    body = f'{{"metric": "{use_case}-thumbs", "completion_id": "{completion}", "value": {value}}}'
    answer = http.post("/api/v1/feedback", content=body)
    if value in ("NaN", "Infinity", "-Infinity"):
        assert (answer.status_code, answer.json()["type"]) == (400, "malformed_request")
    else:
        assert (answer.status_code, answer.json()["param"]) == (422, "value")
    assert logged(client, completion, use_case) == []


@pytest.mark.parametrize(
    "value", ["1e999", "-1e999", "NaN", "Infinity", "null", '"1"', "[1]", "{}", "1" + "0" * 400, "1e31"]
)
def test_a_scalar_key_takes_only_what_is_finite(
    http: httpx2.Client, client: Tropism, use_case: str, completion: UUID, value: str
) -> None:
    body = f'{{"metric": "{use_case}-stars", "completion_id": "{completion}", "value": {value}}}'
    answer = http.post("/api/v1/feedback", content=body)
    assert answer.status_code in (400, 422)
    assert answer.json()["message"]
    assert logged(client, completion, use_case) == []


@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=st.one_of(st.floats(-1e30, 1e30), st.integers(-(2**63), 2**63), st.booleans()))
def test_a_scalar_key_keeps_every_finite_number(client: Tropism, use_case: str, completion: UUID, value: float) -> None:
    assert client.feedback.log_metric(value, completion, f"{use_case}-stars").value == float(value)
    assert logged(client, completion, use_case) == [("stars", float(value), None)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_the_sdk_sends_no_number_that_json_lacks(call: Both, use_case: str, completion: UUID, value: float) -> None:
    with pytest.raises(tropism.TropismError, match="finite"):
        call("feedback.log_metric", value, completion, f"{use_case}-stars")


def test_the_same_user_replaces_and_others_add(call: Both, client: Tropism, use_case: str, completion: UUID) -> None:
    stars, ada, bob = f"{use_case}-stars", uuid4(), uuid4()
    first = call("feedback.log_metric", 1, completion, stars, ada, "old", reason="rude")
    again = call("feedback.log_metric", 2, completion, stars, str(ada))
    assert (again.id, again.created_at) == (first.id, first.created_at)
    assert (again.value, again.details, again.reason) == (2.0, None, None)
    call("feedback.log_metric", 3, completion, stars, bob)
    call("feedback.log_metric", 4, completion, stars)
    call("feedback.log_metric", 5, completion, stars)
    call("feedback.log_metric", 1, completion, f"{use_case}-thumbs", ada)
    assert sorted(logged(client, completion, use_case), key=str) == sorted(
        [("stars", 2.0, ada), ("stars", 3.0, bob), ("stars", 5.0, None), ("thumbs", 1.0, ada)], key=str
    )


def test_the_nil_id_names_nobody(call: Both, client: Tropism, use_case: str, completion: UUID) -> None:
    assert call("feedback.log_metric", 1, completion, f"{use_case}-stars", UUID(int=0)).user is None
    call("feedback.log_metric", 2, completion, f"{use_case}-stars")
    assert logged(client, completion, use_case) == [("stars", 2.0, None)]


def test_an_unlinked_key_names_the_link_call(call: Both, client: Tropism, use_case: str, completion: UUID) -> None:
    key = f"{use_case}-free"
    call("feedback.register_key", f"{key}-{type(call).__name__}")
    with pytest.raises(tropism.UnprocessableEntityError, match=rf"feedback\.link\('{key}-Both'\)") as caught:
        call("feedback.log_metric", 1, completion, f"{key}-Both")
    assert caught.value.param == "metric"
    assert logged(client, completion, use_case) == []


def test_an_unknown_completion_says_where_ids_come_from(call: Both, use_case: str) -> None:
    with pytest.raises(tropism.NotFoundError, match=r"interactions\.create") as caught:
        call("feedback.log_metric", 1, uuid4(), f"{use_case}-stars")
    assert caught.value.param == "completion_id"
    with pytest.raises(tropism.UnprocessableEntityError) as refused:
        call("feedback.log_metric", 1, "no-id", f"{use_case}-stars")
    assert refused.value.param == "completion_id"


def test_an_outcome_is_kept_with_the_last_completion_of_its_session(call: Both, client: Tropism, use_case: str) -> None:
    session, ada = uuid4(), uuid4()
    new = [client.interactions.create("A", prompt="Q", session_id=session, use_case=use_case) for _ in range(3)]
    at = "2024-01-01T00:00:00Z"
    client.interactions.create("A", prompt="Q", session_id=session, created_at=at, use_case=use_case)
    kept = call("feedback.log_outcome", 1, session, f"{use_case}-thumbs", ada)
    assert (kept.completion_id, kept.user, kept.value) == (new[-1].completion_id, ada, 1.0)
    assert call("feedback.log_outcome", False, session, f"{use_case}-thumbs", ada).id == kept.id
    assert logged(client, new[-1].completion_id, use_case) == [("thumbs", 0.0, ada)]
    assert logged(client, new[0].completion_id, use_case) == []


def test_an_outcome_by_http(http: httpx2.Client, client: Tropism, use_case: str) -> None:
    session, user = str(uuid4()), str(uuid4())
    id = client.interactions.create("A", prompt="Q", session_id=session, use_case=use_case).completion_id
    body = {"metric": f"{use_case}-stars", "value": 2.5, "session_id": session, "user_id": user}
    answer = http.post("/api/v1/outcome", json=body)
    assert answer.status_code == 201
    assert (answer.json()["completion_id"], answer.json()["user"], answer.json()["value"]) == (str(id), user, 2.5)
    unknown = http.post("/api/v1/outcome", json=body | {"session_id": str(uuid4())})
    assert (unknown.status_code, unknown.json()["param"]) == (404, "session_id")
    wrong = http.post("/api/v1/outcome", json=body | {"metric": f"{use_case}-thumbs"})
    assert (wrong.status_code, wrong.json()["param"]) == (422, "value")

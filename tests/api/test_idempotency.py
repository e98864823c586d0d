"""Idempotency keys: a repeated write gives the first answer and writes nothing more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx2
import pytest
from tests.api.conftest import Teams

from tropism import Tropism


@pytest.fixture
def case(client: Tropism) -> str:
    key = f"case-{uuid4().hex}"
    client.use_cases.create(key)
    return key


def count(client: Tropism, case: str) -> int:
    return client.interactions.list(use_case=case).total_count


def test_a_repeated_write_gives_the_first_answer_and_writes_once(
    http: httpx2.Client, client: Tropism, case: str
) -> None:
    body, headers = {"use_case": case, "completion": "A", "prompt": "Q"}, {"Idempotency-Key": str(uuid4())}
    answers = [http.post("/api/v1/interactions", json=body, headers=headers) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert count(client, case) == 1
    assert http.post("/api/v1/interactions", json=body).json() != answers[0].json()
    assert count(client, case) == 2


def test_the_same_key_with_another_body_is_refused(http: httpx2.Client, client: Tropism, case: str) -> None:
    body, headers = {"use_case": case, "completion": "A", "prompt": "Q"}, {"Idempotency-Key": str(uuid4())}
    http.post("/api/v1/interactions", json=body, headers=headers)
    answer = http.post("/api/v1/interactions", json=body | {"completion": "B"}, headers=headers)
    assert (answer.status_code, answer.json()["param"]) == (422, "Idempotency-Key")
    assert count(client, case) == 1


def test_the_same_key_on_another_route_is_another_key(http: httpx2.Client, case: str) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    name = f"key-{uuid4().hex}-x"
    assert http.post("/api/v1/feedback_keys", json={"key": name}, headers=headers).status_code == 201
    assert http.post("/api/v1/use_cases", json={"key": f"{case}-2"}, headers=headers).status_code == 201
    for place in (case, f"{case}-2"):
        path = f"/api/v1/use_cases/{place}/feedback_keys"
        assert http.post(path, json={"feedback_key": name}, headers=headers).status_code == 201
        assert len(http.get(f"/api/v1/use_cases/{place}").json()["feedback_keys"]) == 1


def test_a_failed_write_may_be_tried_again(http: httpx2.Client, client: Tropism, case: str) -> None:
    headers, late = {"Idempotency-Key": str(uuid4())}, f"{case}-late"
    body = {"use_case": late, "completion": "A", "prompt": "Q"}
    assert http.post("/api/v1/interactions", json=body, headers=headers).status_code == 404
    client.use_cases.create(late)
    assert http.post("/api/v1/interactions", json=body, headers=headers).status_code == 201


def test_two_at_once_write_once(http: httpx2.Client, client: Tropism, case: str) -> None:
    body, headers = {"use_case": case, "completion": "A", "prompt": "Q"}, {"Idempotency-Key": str(uuid4())}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: http.post("/api/v1/interactions", json=body, headers=headers), range(32)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert count(client, case) == 1


def test_keys_of_two_users_do_not_meet(teams: Teams) -> None:
    body, key = {"use_case": teams.case, "completion": "A", "prompt": "Q"}, str(uuid4())
    before = count(teams.admin, teams.case)
    with httpx2.Client(base_url=teams.base_url, headers={"Idempotency-Key": key}) as http:
        mine, theirs = (
            http.post("/api/v1/interactions", json=given, headers={"Authorization": f"Bearer {api_key}"})
            for api_key, given in (("tk_for-tests-only", body), (teams.developer_key, body | {"completion": "B"}))
        )
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json() != theirs.json()
    assert count(teams.admin, teams.case) == before + 2


def test_an_empty_key_is_none(http: httpx2.Client, client: Tropism, case: str) -> None:
    body = {"use_case": case, "completion": "A", "prompt": "Q"}
    for _ in range(2):
        assert http.post("/api/v1/interactions", json=body, headers={"Idempotency-Key": ""}).status_code == 201
    assert count(client, case) == 2


def test_a_repeated_delete_is_a_replay_too(http: httpx2.Client, case: str) -> None:
    name, headers = f"key-{uuid4().hex}-x", {"Idempotency-Key": str(uuid4())}
    http.post("/api/v1/feedback_keys", json={"key": name})
    http.post(f"/api/v1/use_cases/{case}/feedback_keys", json={"feedback_key": name})
    path = f"/api/v1/use_cases/{case}/feedback_keys/{name}"
    assert [http.delete(path, headers=headers).status_code for _ in range(2)] == [200, 200]
    assert http.delete(path).status_code == 422


def test_a_question_mark_in_a_path_tells_two_paths_apart(http: httpx2.Client) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    answers = [
        http.post(f"/api/v1/use_cases/{name}/feedback_keys", json={"feedback_key": "x"}, headers=headers)
        for name in ("a%3Fb", "a%3Fc", "a%0Ab", "a%23b")
    ]
    assert {answer.status_code for answer in answers} == {404}

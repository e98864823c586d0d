"""NUL characters, which PostgreSQL keeps in no text: callers, engines and providers may send them all the same."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.chat.upstream import Request, run_upstream

from tropism import Tropism

NUL, KEPT = "a\0b", "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/use_cases", {"key": "nul", "name": NUL}, 201),
        ("POST", "/api/v1/feedback_keys", {"key": "nul", "description": NUL}, 201),
        ("POST", "/api/v1/interactions", {"use_case": "default", "prompt": NUL, "completion": NUL}, 201),
        ("POST", "/api/v1/interactions/query", {"use_case": "default", "filters": {"tags": [NUL]}}, 404),
        ("GET", "/api/v1/models/a%00b", None, 404),
        ("GET", "/api/v1/use_cases/%00", None, 404),
        ("GET", "/api/v1/jobs?use_case=%00", None, 404),
    ],
)
def test_a_nul_character_breaks_nothing(http: httpx2.Client, method: str, path: str, body: Any, status: int) -> None:
    assert http.request(method, path, json=body).status_code == status


def test_what_has_one_is_kept_and_found_by_it(client: Tropism, use_case: str) -> None:
    """Messages keep it. Columns of text cannot, and hold a character that stands for it."""
    prompt: Any = [{"role": "user", "content": NUL}]
    made = client.interactions.create(NUL, messages=prompt, labels={"at": NUL}, use_case=use_case)
    (found,) = client.interactions.list(filters={"labels": [{"key": "at", "value": [NUL]}]}, use_case=use_case).nodes
    assert found.id == made.completion_id
    assert (found.messages[0].content, found.completion, found.labels) == (NUL, KEPT, {"at": NUL})


def test_an_answer_with_a_nul_character_is_given_and_kept(client: Tropism, use_case: str) -> None:
    async def say(request: Request) -> None:
        request.answer(f"one {NUL}")

    with run_upstream() as upstream:
        model = upstream.model(client, use_case, say)
        choice = client.chat.create([{"role": "user", "content": "Hi"}], model=model, use_case=use_case).choices[0]
    assert choice.message.content == f"one {NUL}"
    assert client.interactions.get(choice.completion_id, use_case=use_case).completion == f"one {KEPT}"


def test_a_reason_with_a_nul_character_is_kept(client: Tropism, use_case: str) -> None:
    """A provider's words stand in the log of attempts, and what an engine says in the error of its model."""

    async def fail(request: Request) -> None:
        request.send({"error": {"message": f"no {NUL}"}}, 500)

    with run_upstream() as upstream:
        model = upstream.model(client, use_case, fail)
        client.models.update(model, fallbacks=["echo-a"], use_case=use_case)
        choice = client.chat.create([{"role": "user", "content": "Hi"}], use_case=use_case).choices[0]
    assert choice.model == "echo-a"
    assert NUL in (client.interactions.get(choice.completion_id, use_case=use_case).attempts[0].error or "")

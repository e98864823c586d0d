"""Test your own application against a real engine, with a model that repeats what it is told. Run it with pytest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tropism import Tropism
from tropism.testing import run_server


def greet(client: Tropism, name: str) -> str:
    """The application: it asks a use case for a greeting, and notes that it was shown."""
    answer = client.chat.create([{"role": "user", "content": f"Greet {name}"}], use_case="greetings")
    client.feedback.log_metric(True, answer.choices[0].completion_id, "shown")
    return answer.choices[0].message.content


@pytest.fixture
def client() -> Iterator[Tropism]:
    with run_server(echo_models=["parrot"]) as server, Tropism(server.base_url, server.api_key) as client:
        client.use_cases.create("greetings")
        client.models.attach("parrot", make_default=True, wait=True, use_case="greetings")
        client.feedback.register_key("shown", kind="bool")
        client.feedback.link("shown", use_case="greetings")
        yield client


def test_a_greeting_names_its_guest(client: Tropism) -> None:
    assert "Ana" in greet(client, "Ana")


def test_a_greeting_is_noted(client: Tropism) -> None:
    greet(client, "Ana")
    [interaction] = client.interactions.list(use_case="greetings").nodes
    assert [each.feedback_key for each in interaction.direct_feedbacks] == ["shown"]

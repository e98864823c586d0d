"""A server with users of its own, who have come into being through the API alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from tropism import Tropism
from tropism.testing import RunningServer, run_server

As = Callable[..., Tropism]


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """A server apart: its admin is in many teams soon, and has to name one wherever others need not."""
    with run_server(echo_models=("echo-a", "echo-b")) as running:
        yield running


@pytest.fixture
def use_case(client: Tropism) -> str:
    """A fresh use case of the team `default`, with a model and the bool key `{use_case}-thumbs`."""
    key = f"case-{uuid4().hex[:12]}"
    client.use_cases.create(key, team="default")
    client.models.attach("echo-a", make_default=True, wait=True, use_case=key)
    client.feedback.register_key(f"{key}-thumbs", kind="bool")
    client.feedback.link(f"{key}-thumbs", use_case=key)
    return key


@pytest.fixture
def team(client: Tropism) -> str:
    """A fresh team with the admin in it."""
    return client.teams.create(f"team-{uuid4().hex[:12]}").key


@pytest.fixture
def with_key(server: RunningServer) -> Iterator[Callable[[str], Tropism]]:
    """A client with a given key, closed at the end."""
    with ExitStack() as stack:
        yield lambda key: stack.enter_context(Tropism(server.base_url, key))


@pytest.fixture
def new_user(client: Tropism, with_key: Callable[[str], Tropism]) -> As:
    """`new_user(team, role)`: a client of a new service account, whose key the admin made."""

    def make(team: str, role: str, **limits: Any) -> Tropism:
        email = f"{uuid4().hex}@example.com"
        client.users.create(email, "Somebody", team, role, kind="service")
        return with_key(client.api_keys.create("a key", user=email, **limits).key)

    return make

"""`tropism users`, `teams`, `roles` and `api-keys`, from nothing to a revoked key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tropism.testing import RunningServer, run_server

from .conftest import Command


@pytest.fixture(scope="module")
def engine() -> Iterator[RunningServer]:
    """An engine apart: its admin is in two teams soon, and has to name one wherever others need not."""
    with run_server() as server:
        yield server


def test_from_a_team_to_a_key(engine: RunningServer, tropism: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tropism("teams", "create", "desk").code == 0
    assert "desk" in tropism("teams", "list").out
    assert tropism("roles", "create", "talker", "chat:create", "use_case:read", "user:read").code == 0
    assert "chat:create, use_case:read" in tropism("roles", "list").out
    made = tropism("users", "create", "bot@example.com", "Bot", "--team", "desk", "--role", "talker", "--service")
    assert "talker in desk" in made.out
    assert "viewer in desk" in tropism("users", "update", "bot@example.com", "desk", "viewer").out
    key = tropism("api-keys", "create", "bot's", "--user", "bot@example.com", "--days", "1")
    listed = tropism("api-keys", "list", "--user", "bot@example.com", "--json").json
    assert [each["name"] for each in listed] == ["bot's"]
    assert key.out.startswith(listed[0]["prefix"])
    admin = tropism("me").out
    monkeypatch.setenv("TROPISM_API_KEY", key.out.strip())
    assert "bot@example.com" in tropism("me").out != admin
    monkeypatch.setenv("TROPISM_API_KEY", engine.api_key)
    lines = tropism("users", "list").out.splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 80


def test_refusals_say_what_to_do(tropism: Command) -> None:
    assert "roles.list()" in tropism("users", "create", "x@example.com", "X", "--team", "default", "--role", "no").err
    assert "built in" in tropism("roles", "delete", "admin").err

"""Deleting and settings from the command line."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tropism import Tropism
from tropism.cli import call
from tropism.testing import RunningServer


@pytest.fixture(autouse=True)
def at(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_BASE_URL", server.base_url)
    monkeypatch.setenv("TROPISM_API_KEY", server.api_key)


def test_delete_wants_a_yes(client: Tropism, use_case: str, capsys: pytest.CaptureFixture[str]) -> None:
    ada = uuid4()
    client.interactions.create("a", prompt="q", user=ada, use_case=use_case)
    command = ["interactions", "delete", "--use-case", use_case, "--user", str(ada)]
    assert call(command) == 1
    assert "--yes" in capsys.readouterr().err
    assert client.interactions.list(use_case=use_case).total_count == 1
    assert call([*command, "--yes"]) == 0
    assert "1" in capsys.readouterr().out
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_delete_by_age_and_by_id(client: Tropism, use_case: str) -> None:
    old = client.interactions.create("a", prompt="q", created_at="2026-01-01T00:00:00Z", use_case=use_case)
    new = [client.interactions.create("a", prompt="q", use_case=use_case).completion_id for _ in range(2)]
    assert call(["interactions", "delete", "-u", use_case, "--older-than-days", "1", "--yes"]) == 0
    left = {each.id for each in client.interactions.list(use_case=use_case).nodes}
    assert left == set(new)
    assert old.completion_id not in left
    assert call(["interactions", "delete", "-u", use_case, "--completion", str(new[0]), "--yes"]) == 0
    assert [each.id for each in client.interactions.list(use_case=use_case).nodes] == [new[1]]


def test_settings(client: Tropism, use_case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["use-cases", "update", use_case, "--retention-days", "30", "--redact", "email", "secret"]) == 0
    assert call(["use-cases", "update", use_case, "--cache-seconds", "60", "--cache-answers", "5"]) == 0
    assert client.use_cases.get(use_case).cache_answers == 5
    assert "30 days" in capsys.readouterr().out
    assert client.use_cases.get(use_case).redact == ["email", "secret"]
    assert call(["use-cases", "update", use_case, "--retention-days", "0", "--redact-nothing"]) == 0
    changed = client.use_cases.get(use_case)
    assert (changed.retention_days, changed.redact) == (None, [])

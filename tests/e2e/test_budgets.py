"""A budget outlives the engine that counts it: kill it, and what was used stays used."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.process import ADMIN_KEY, served

import tropism
from tropism import Tropism

HELLO = [{"role": "user", "content": "one two three"}]


def test_a_killed_engine_forgets_no_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)
    arguments = ("--port", "0", "--echo-models", "echo")
    with served(tmp_path, *arguments) as first:
        with Tropism(first.ready(), ADMIN_KEY) as client:
            client.models.attach("echo", make_default=True, wait=True, use_case="default")
            client.limits.set("tokens", 100, "month", use_case="default")
            client.limits.set("requests", 5, "month", user="admin@localhost")
            for _ in range(3):
                client.chat.create(HELLO, use_case="default")
        first.kill()
    with served(tmp_path, *arguments) as second, Tropism(second.ready(), ADMIN_KEY) as client:
        assert {each.measure: each.used for each in client.limits.list()} == {"tokens": 18, "requests": 3}
        for _ in range(2):
            client.chat.create(HELLO, use_case="default")
        with pytest.raises(tropism.RateLimitError):
            client.chat.create(HELLO, use_case="default")
        second.stop()

"""`tropism reward-servers`, typed."""

from __future__ import annotations

from uuid import uuid4

from tests.cli.conftest import Command
from tests.rewards.servers import Brevity

from tropism.rewards.testing import run_reward_server


def test_a_server_is_added_listed_and_removed(tropism: Command) -> None:
    key = f"rewards-{uuid4().hex[:8]}"
    made = tropism("reward-servers", "add", "http://127.0.0.1:8900", key, "--name", "Brevity", "--json")
    assert (made.code, made.json["key"], made.json["name"]) == (0, key, "Brevity")
    listed = tropism("reward-servers", "list")
    assert key in listed.out
    assert "http://127.0.0.1:8900" in listed.out
    removed = tropism("reward-servers", "remove", key)
    assert (removed.code, removed.out) == (0, "")
    assert "is forgotten" in removed.err
    assert key not in tropism("reward-servers", "list").out


def test_a_server_is_looked_at(tropism: Command) -> None:
    with run_reward_server(Brevity()) as url:
        found = tropism("reward-servers", "test", url)
    assert found.code == 0
    assert "ONLINE" in found.out
    assert "Brevity" in found.out


def test_a_server_that_is_not_there_ends_with_1(tropism: Command) -> None:
    found = tropism("reward-servers", "test", "http://127.0.0.1:9", "--json")
    assert (found.code, found.json["status"]) == (1, "OFFLINE")
    assert "cannot be reached" in found.json["reason"]


def test_a_wrong_url_is_one_red_line(tropism: Command) -> None:
    found = tropism("reward-servers", "add", "http://10.0.0.1", "x")
    assert (found.code, found.out) == (1, "")
    assert "TROPISM_EGRESS_ALLOW" in found.err

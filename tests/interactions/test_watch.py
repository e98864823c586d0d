"""Watching the log: each interaction that matches comes once, soon after it was logged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from tests.conftest import Both

from tropism import NotFoundError, Tropism

HELLO = [{"role": "user", "content": "Hello!"}]


def later(action: Callable[[], object]) -> None:
    """Do something once a watch has begun."""
    threading.Timer(0.5, action).start()


def test_what_is_logged_comes_to_who_watches(call: Both, client: Tropism, use_case: str) -> None:
    client.chat.create(HELLO, use_case=use_case)
    stream = call("interactions.watch", use_case=use_case)
    later(lambda: client.chat.create(HELLO, use_case=use_case, labels={"mine": "yes"}))
    first = call.first(stream)
    assert (first.labels, first.completion, first.model) == ({"mine": "yes"}, "Hello!", "echo-a")


def test_only_what_matches_comes(client: Tropism, use_case: str) -> None:
    def ask() -> None:
        for label in ("no", "yes"):
            client.chat.create(HELLO, use_case=use_case, labels={"mine": label})

    with client.interactions.watch({"labels": [{"key": "mine", "value": ["yes"]}]}, use_case=use_case) as stream:
        later(ask)
        assert next(iter(stream)).labels == {"mine": "yes"}


def test_an_answer_that_began_earlier_comes_all_the_same(client: Tropism, use_case: str) -> None:
    """The id of an answer is of its beginning; here one that is logged later has the older id."""
    begun = time.time() - 60
    with client.interactions.watch(use_case=use_case) as stream:
        came = iter(stream)
        later(lambda: client.chat.create(HELLO, use_case=use_case))
        assert next(came).source == "LIVE"
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun))
        later(lambda: client.interactions.create("Old", prompt="x", created_at=moment, use_case=use_case))
        assert next(came).completion == "Old"


def test_what_cannot_be_watched_is_said_at_once(client: Tropism, use_case: str) -> None:
    with pytest.raises(NotFoundError, match="no use case"):
        client.interactions.watch(use_case=f"none-{uuid4().hex}")
    with pytest.raises(NotFoundError, match="no model"):
        client.interactions.watch({"models": ["nobody"]}, use_case=use_case)

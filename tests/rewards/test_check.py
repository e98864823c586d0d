"""The check that users run against their own server."""

from __future__ import annotations

from typing import Any

import pytest

from tropism.rewards import Request, RewardServer
from tropism.rewards.testing import check, run_reward_server

from .servers import Brevity, Said, http, raw_server

INFO, SCHEMA = http(b'{"version": "1", "name": "n"}'), http(b"{}")
FIVE = http(b'{"responses": [{"reward": 1}, {"reward": 1}]}'), http(b'{"responses": [{"reward": 1}]}')


@pytest.mark.parametrize(("server", "metadata"), [(Brevity(), {"words": 3}), (Said(), None)])
def test_a_good_server_passes(server: RewardServer[Any], metadata: dict[str, Any] | None) -> None:
    with run_reward_server(server) as url:
        assert check(url, metadata).name == type(server).__name__


def test_it_names_what_is_wrong_with_the_metadata() -> None:
    with run_reward_server(Brevity()) as url, pytest.raises(AssertionError, match="'words' is a required property"):
        check(url)


def test_it_names_a_score_that_fails() -> None:
    class Broken(RewardServer):
        """Fails for an empty answer."""

        def score(self, request: Request) -> float:
            return 1 / len(request.completion)

    with run_reward_server(Broken()) as url, pytest.raises(AssertionError, match="ZeroDivisionError"):
        check(url)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([http(b"", "404 No")], "has no GET /info"),
        ([http(b'{"name": "n"}')], "/info of the reward server does not answer as the protocol wants.*`version`"),
        ([http(b'{"version": "1", "name": ""}')], "`name` is empty"),
        ([INFO, http(b"no")], "/metadata_schema of the reward server does not answer"),
        ([INFO, SCHEMA, http(b"", "404 No")], "has no POST /batch_score"),
        ([INFO, SCHEMA, FIVE[0], FIVE[0], FIVE[0]], "2 responses .* to 1"),
    ],
)
def test_it_names_what_is_not_as_the_protocol_wants(answers: list[bytes], reason: str) -> None:
    with raw_server(*answers) as (url, _), pytest.raises(AssertionError, match=reason):
        check(url)


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (http(b"{}"), "/score does not answer as the protocol wants"),
        (http(b'{"reward": 1, "id": "b"}'), "/score gives the id 'b' back instead of 'a-1'"),
        (http(b'{"reward": 1}'), "/score does not refuse a wrong request with 422.*status 200"),
    ],
)
def test_it_looks_at_single_scores_too(score: bytes, reason: str) -> None:
    pair, single = FIVE
    with raw_server(INFO, SCHEMA, pair, pair, single, score) as (url, _), pytest.raises(AssertionError, match=reason):
        check(url)

"""Models serve all teams; how one runs is said by its own team alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from tropism import ConflictError, PermissionDeniedError, Tropism
from tropism.testing import RunningServer, run_server

HELLO = [{"role": "user", "content": "Hello!"}]
PRICES = {"input_per_million": 1e6, "output_per_million": 1e6}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with run_server(echo_models=("echo-a", "echo-b"), bundled_models=True) as running:
        yield running


@pytest.fixture
def stranger(client: Tropism, server: RunningServer) -> Iterator[Tropism]:
    """An admin of another team."""
    team = client.teams.create(f"team-{uuid4().hex[:12]}").key
    client.users.create(email := f"{team}@example.com", "A", team, "admin", kind="service")
    with Tropism(server.base_url, client.api_keys.create("a", user=email).key) as other:
        yield other


@pytest.mark.parametrize(
    "change",
    [
        # All that is asked of this model would go to a server of theirs.
        lambda them: them.models.update_compute_config(
            "smollm2-135m-instruct", {"engine": "vllm", "url": "http://127.0.0.1:9/v1", "served_name": "m"}
        ),
        lambda them: them.models.update_compute_config("echo-a", {"max_seq_len": 128}),
        lambda them: them.models.update_prices("echo-a", PRICES),
        lambda them: them.models.update_concurrency("echo-a", 1),
        lambda them: them.models.terminate("echo-a", force=True),
    ],
    ids=["elsewhere", "config", "prices", "concurrency", "terminate"],
)
def test_another_team_does_not_say_how_a_model_runs(
    client: Tropism, stranger: Tropism, change: Callable[[Tropism], object]
) -> None:
    before = client.models.get("smollm2-135m-instruct").compute_config, client.models.get("echo-a").prices
    with pytest.raises(PermissionDeniedError, match="another team"):
        change(stranger)
    assert (client.models.get("smollm2-135m-instruct").compute_config, client.models.get("echo-a").prices) == before


def test_another_team_does_not_say_what_a_variant_is_told(client: Tropism, stranger: Tropism) -> None:
    client.models.add_variant("echo-a", key := f"variant-{uuid4().hex[:8]}", system_prompt="Be brief.")
    client.models.update_variant(key, system_prompt="Be long.")
    with pytest.raises(PermissionDeniedError, match="another team"):
        stranger.models.update_variant(key, system_prompt="Be rude.")
    with pytest.raises(PermissionDeniedError, match="another team"):
        stranger.models.roll_back(key, 1)
    assert client.models.get(key).system_prompt == "Be long."


def test_another_team_uses_it_all_the_same(stranger: Tropism) -> None:
    stranger.use_cases.create(key := f"case-{uuid4().hex[:8]}")
    stranger.models.attach("echo-b", make_default=True, wait=True, use_case=key)
    assert stranger.chat.create(HELLO, use_case=key).choices[0].message.content == "Hello!"


def test_a_team_changes_what_it_has_added(stranger: Tropism) -> None:
    key = f"model-{uuid4().hex[:8]}"
    stranger.models.add_external("A", "a", "sk-1", "custom", "http://127.0.0.1:9/v1", key)
    stranger.models.add_variant(key, f"{key}-v", system_prompt="Be brief.")
    assert stranger.models.update_variant(f"{key}-v", system_prompt="Be long.").version == 2
    assert stranger.models.update_prices(key, PRICES).prices is not None
    stranger.models.deploy(key)
    assert stranger.models.terminate(key).online == "OFFLINE"


def test_who_is_told_that_a_model_is_used_is_not_told_by_whom(client: Tropism, stranger: Tropism) -> None:
    stranger.use_cases.create(theirs := f"case-{uuid4().hex[:8]}")
    key = f"model-{uuid4().hex[:8]}"
    stranger.models.add_external("A", "a", "sk-1", "custom", "http://127.0.0.1:9/v1", key)
    stranger.models.attach(key, use_case=theirs)
    client.use_cases.create(mine := f"case-{uuid4().hex[:8]}", team="default")
    client.models.attach(key, use_case=mine)
    with pytest.raises(ConflictError, match=f"{theirs}, other teams|other teams, {theirs}") as refused:
        stranger.models.terminate(key)
    assert mine not in str(refused.value)

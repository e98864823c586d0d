"""Reward servers through the SDK, on both faces: registered, listed, forgotten; whose they are, and who may."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx2
import pytest
from tests.api.strangers import join
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer, run_server

URL = "http://127.0.0.1:8900"


@pytest.fixture
def key() -> str:
    return f"rewards-{uuid4().hex[:12]}"


def test_add_returns_what_list_shows(call: Both, key: str) -> None:
    made = call("reward_servers.add", f"{URL}/", key, "Brevity", "Short is good")
    assert (made.key, made.name, made.description, made.url) == (key, "Brevity", "Short is good", URL)
    assert made.team == "default"
    assert made in call("reward_servers.list")
    plain = call("reward_servers.add", URL, f"{key}-2")
    assert (plain.name, plain.description) == (f"{key}-2", None)
    assert [each.key for each in call("reward_servers.list")][-2:] == [key, f"{key}-2"]


def test_remove_takes_a_key_or_an_id(call: Both, key: str) -> None:
    call("reward_servers.add", URL, key)
    second = call("reward_servers.add", URL, f"{key}-2")
    assert call("reward_servers.remove", key) is None
    assert call("reward_servers.remove", second.id) is None
    assert not {key, f"{key}-2"} & {each.key for each in call("reward_servers.list")}
    with pytest.raises(tropism.NotFoundError, match=rf"no reward server '{key}'.*reward_servers\.add\(url, '{key}'\)"):
        call("reward_servers.remove", key)


def test_a_key_is_taken_once_and_free_again_after_its_end(call: Both, key: str) -> None:
    call("reward_servers.add", URL, key)
    with pytest.raises(tropism.ConflictError, match=f"'{key}' already"):
        call("reward_servers.add", "http://127.0.0.1:8901", key)
    call("reward_servers.remove", key)
    assert call("reward_servers.add", "http://127.0.0.1:8901", key).url == "http://127.0.0.1:8901"


@pytest.mark.parametrize("bad", ["", "a b", "a/b", "0190f5a0-0000-7000-8000-000000000000"])
def test_a_bad_key_is_refused(call: Both, bad: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        call("reward_servers.add", URL, bad)
    assert caught.value.param == "key"


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:8900", "ftp://example.org", "http://", "http://user:secret@example.org", "http://a b"),
        *("http://169.254.169.254/latest", "http://10.0.0.1", "http://2130706433:8900", "http://[fd00:ec2::254]"),
    ],
)
@pytest.mark.parametrize("operation", ["add", "test"])
def test_a_url_that_users_may_not_set_is_refused(call: Both, key: str, url: str, operation: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        call(f"reward_servers.{operation}", url, *([key] if operation == "add" else []))
    assert caught.value.param == "url"
    assert "secret" not in str(caught.value)
    assert key not in [each.key for each in call("reward_servers.list")]


def test_a_repeated_add_with_one_idempotency_key_adds_once(server: RunningServer, client: Tropism, key: str) -> None:
    headers = {"Authorization": f"Bearer {server.api_key}", "Idempotency-Key": key}
    body = {"url": URL, "key": key}
    answers = [httpx2.post(f"{server.base_url}/api/v1/reward_servers", json=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert [each.key for each in client.reward_servers.list()].count(key) == 1


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Tropism]]:
    """The admin, a maintainer and a viewer of the team `default`, an admin of another team, and one who is in both."""
    data = tmp_path_factory.mktemp("people")
    with run_server(data=data):
        pass
    roles = {
        "maintainer": {"default": "maintainer"},
        "viewer": {"default": "viewer"},
        "stranger": {"another": "admin"},
        "both": {"default": "admin", "another": "admin"},
    }
    keys = {name: join(data, each) for name, each in roles.items()}
    with run_server(data=data) as server:
        keys["admin"] = server.api_key
        clients = {name: Tropism(server.base_url, api_key) for name, api_key in keys.items()}
        yield clients
        for client in clients.values():
            client.close()


def test_another_team_sees_nothing(people: dict[str, Tropism], key: str) -> None:
    made = people["admin"].reward_servers.add(URL, key)
    stranger = people["stranger"].reward_servers
    assert stranger.list() == []
    for reference in (key, made.id):
        with pytest.raises(tropism.NotFoundError):
            stranger.remove(reference)
    assert made in people["viewer"].reward_servers.list()


def test_a_maintainer_may_and_a_viewer_may_only_look(people: dict[str, Tropism], key: str) -> None:
    made = people["maintainer"].reward_servers.add(URL, key)
    viewer = people["viewer"].reward_servers
    assert made in viewer.list()
    for attempt in (lambda: viewer.add(URL, f"{key}-2"), lambda: viewer.remove(key), lambda: viewer.test(URL)):
        with pytest.raises(tropism.PermissionDeniedError, match="reward_server:"):
            attempt()
    people["maintainer"].reward_servers.remove(key)


def test_who_is_in_two_teams_names_one(people: dict[str, Tropism], key: str) -> None:
    both = people["both"].reward_servers
    with pytest.raises(tropism.UnprocessableEntityError, match="several teams"):
        both.add(URL, key)
    assert both.add(URL, key, team="another").team == "another"
    assert key in [each.key for each in people["stranger"].reward_servers.list()]
    assert key not in [each.key for each in people["admin"].reward_servers.list()]
    with pytest.raises(tropism.NotFoundError, match="no team 'nowhere'"):
        both.add(URL, f"{key}-2", team="nowhere")

"""Api keys: shown once, narrowed, expiring, revoked at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from tests.access.conftest import As
from tests.conftest import Both

from tropism import (
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    Tropism,
    UnprocessableEntityError,
)

HELLO = [{"role": "user", "content": "hello"}]


def test_a_key_is_made_used_listed_and_revoked(call: Both, with_key: Callable[[str], Tropism]) -> None:
    made = call("api_keys.create", "laptop")
    with_key(made.key).users.me()
    listed = {key.id: key for key in call("api_keys.list")}
    assert made.key.startswith(listed[made.id].prefix)
    assert len(listed[made.id].prefix) < 10
    assert not hasattr(listed[made.id], "key")
    call("api_keys.revoke", made.id)
    with pytest.raises(AuthenticationError):
        with_key(made.key).users.me()
    with pytest.raises(NotFoundError):
        call("api_keys.revoke", made.id)


def test_a_key_expires(client: Tropism, with_key: Callable[[str], Tropism]) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1.5)
    short = with_key(client.api_keys.create("short", expires_at=end).key)
    short.users.me()
    time.sleep((end - datetime.now(UTC)).total_seconds() + 0.05)
    with pytest.raises(AuthenticationError, match="expired"):
        short.users.me()


def test_a_key_that_ends_before_it_begins(client: Tropism) -> None:
    with pytest.raises(UnprocessableEntityError, match="past"):
        client.api_keys.create("late", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(UnprocessableEntityError, match="too far away"):
        client.api_keys.create("never", expires_at=datetime.max.replace(tzinfo=timezone(-timedelta(hours=23))))


def test_a_key_narrowed_to_permissions(client: Tropism, with_key: Callable[[str], Tropism], use_case: str) -> None:
    talker = with_key(client.api_keys.create("talker", permissions=["chat:create"]).key)
    assert talker.chat.create(HELLO, use_case=use_case).choices
    for attempt in (
        lambda: talker.interactions.list(use_case=use_case),
        lambda: talker.users.me(),
        lambda: talker.api_keys.create("more"),
    ):
        with pytest.raises(PermissionDeniedError):
            attempt()


def test_a_key_narrowed_to_a_use_case(client: Tropism, with_key: Callable[[str], Tropism], use_case: str) -> None:
    client.use_cases.create(other := f"case-{uuid4().hex[:12]}", team="default")
    client.models.attach("echo-a", make_default=True, use_case=other)
    elsewhere = client.chat.create(HELLO, use_case=other).choices[0].completion_id
    made = client.api_keys.create("one", use_cases=[use_case])
    assert made.use_cases == [use_case]
    narrow = with_key(made.key)
    assert [each.key for each in narrow.use_cases.list()] == [use_case]
    assert narrow.chat.create(HELLO, use_case=use_case).choices
    attempts: list[Callable[[], Any]] = [
        lambda: narrow.use_cases.get(other),
        lambda: narrow.chat.create(HELLO, use_case=other),
        lambda: narrow.interactions.get(elsewhere, use_case=other),
        lambda: narrow.feedback.log_metric(1, elsewhere, "any"),
        lambda: narrow.feedback.log_outcome(1, uuid4(), "any"),
    ]
    for attempt in attempts:
        with pytest.raises(NotFoundError):
            attempt()
    beyond: list[Callable[[], Any]] = [
        lambda: narrow.use_cases.create("mine"),
        lambda: narrow.teams.create("mine"),
        lambda: narrow.roles.create("mine", ["chat:create"]),
        lambda: narrow.users.create("eve@example.com", "Eve", "default", "admin"),
        lambda: narrow.api_keys.create("more"),
        lambda: narrow.feedback.register_key("mine"),
        lambda: narrow.models.deploy("echo-a"),
    ]
    for attempt in beyond:
        with pytest.raises(PermissionDeniedError):
            attempt()


def test_a_narrowed_key_makes_no_wider_one(client: Tropism, with_key: Callable[[str], Tropism]) -> None:
    keys_only = with_key(client.api_keys.create("keys", permissions=["api_key:create", "api_key:read"]).key)
    assert keys_only.api_keys.list()
    with pytest.raises(PermissionDeniedError, match="narrowed"):
        keys_only.api_keys.create("wider")


def test_a_key_that_expires_makes_nothing_that_lasts_longer(
    client: Tropism, with_key: Callable[[str], Tropism], new_user: As, team: str
) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    short = with_key(client.api_keys.create("short", expires_at=end).key)
    for longer in (None, end + timedelta(seconds=1)):
        with pytest.raises(PermissionDeniedError, match="expires"):
            short.api_keys.create("longer", expires_at=longer)
    short.api_keys.create("as long", expires_at=end)
    email = f"{uuid4().hex}@example.com"
    client.users.create(email, "Ada", team)
    with pytest.raises(PermissionDeniedError, match="expires"):
        short.passwords.make_link(email)


def test_a_narrowed_key_is_in_charge_as_far_as_it_goes(
    client: Tropism, with_key: Callable[[str], Tropism], new_user: As, team: str
) -> None:
    """Else whoever got it could deactivate those who may more than the key, and revoke their keys."""
    narrowed = with_key(client.api_keys.create("x", permissions=["user:read", "user:update", "api_key:delete"]).key)
    other = new_user(team, "admin")
    with pytest.raises(PermissionDeniedError, match="may do things"):
        narrowed.users.deactivate(other.users.me().email)
    with pytest.raises(NotFoundError):
        narrowed.api_keys.revoke(other.api_keys.list()[0].id)
    assert other.users.me().active


def test_a_key_for_a_use_case_that_is_not_ones_own(client: Tropism, new_user: As, team: str, use_case: str) -> None:
    stranger = new_user(team, "admin")
    for name in (use_case, "nowhere"):
        with pytest.raises(NotFoundError, match="no use case"):
            stranger.api_keys.create("theirs", use_cases=[name])


def test_nobody_makes_keys_in_the_name_of_a_person(client: Tropism, team: str) -> None:
    email = f"{uuid4().hex}@example.com"
    client.users.create(email, "Ada", team)
    with pytest.raises(PermissionDeniedError, match="person"):
        client.api_keys.create("hers", user=email)


def test_nobody_makes_keys_for_an_account_that_may_more(client: Tropism, new_user: As, team: str) -> None:
    client.roles.create(
        clerks := f"clerks-{uuid4().hex[:8]}", ["user:create", "user:update", "user:read", "api_key:create"]
    )
    clerk = new_user(team, clerks)
    robot = f"{uuid4().hex}@example.com"
    client.users.create(robot, "Robot", team, "admin", kind="service")
    with pytest.raises(PermissionDeniedError, match="may do things"):
        clerk.api_keys.create("robot's", user=robot)
    works_elsewhere = f"{uuid4().hex}@example.com"
    clerk.users.create(works_elsewhere, "Robot", team, clerks, kind="service")
    clerk.api_keys.create("fine", user=works_elsewhere)
    client.users.update(works_elsewhere, "default", "viewer")
    with pytest.raises(PermissionDeniedError, match="other teams"):
        clerk.api_keys.create("not any more", user=works_elsewhere)


def test_another_users_key_is_not_there(new_user: As, client: Tropism, team: str) -> None:
    mine = client.api_keys.create("mine")
    viewer = new_user(team, "viewer")
    with pytest.raises(NotFoundError):
        viewer.api_keys.revoke(mine.id)
    assert mine.id not in [key.id for key in viewer.api_keys.list()]
    client.api_keys.revoke(mine.id)


def test_a_user_taken_out_of_a_team_is_out_at_once(client: Tropism, new_user: As, team: str) -> None:
    leaver = new_user(team, "developer")
    me = leaver.users.me()
    client.users.remove(me.email, team)
    with pytest.raises(PermissionDeniedError):
        leaver.users.me()

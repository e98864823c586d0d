"""Limits as they are set, shown and removed, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer, run_server

HELLO = [{"role": "user", "content": "one two three"}]


def test_a_limit_is_shown_with_its_use(call: Both, use_case: str) -> None:
    made = call("limits.set", "requests", 5, "day", use_case=use_case)
    assert (made.use_case, made.user, made.api_key) == (use_case, None, None)
    assert (made.measure, made.period, made.amount, made.used, made.remaining) == ("requests", "day", 5, 0, 5)
    call("chat.create", HELLO, use_case=use_case)
    call("completions.create", "Hello", use_case=use_case)
    (shown,) = call("limits.list", use_case=use_case)
    assert (shown.id, shown.used, shown.remaining) == (made.id, 2, 3)
    assert shown.resets_at > shown.created_at


def test_a_limit_that_is_there_gets_the_new_amount(call: Both, use_case: str) -> None:
    first = call("limits.set", "tokens", 100, "month", use_case=use_case)
    call("chat.create", HELLO, use_case=use_case)
    second = call("limits.set", "tokens", 50, "month", use_case=use_case)
    assert (second.id, second.amount, second.used) == (first.id, 50, 6)
    assert len(call("limits.list", use_case=use_case)) == 1


def test_a_removed_limit_holds_no_more(call: Both, use_case: str) -> None:
    limit = call("limits.set", "requests", 0, "day", use_case=use_case)
    with pytest.raises(tropism.RateLimitError):
        call("chat.create", HELLO, use_case=use_case)
    call("limits.remove", limit.id)
    assert call("chat.create", HELLO, use_case=use_case).choices
    assert call("limits.list", use_case=use_case) == []
    with pytest.raises(tropism.NotFoundError, match=r"limits\.list"):
        call("limits.remove", limit.id)


@pytest.mark.parametrize("named", [{}, {"use_case": "default", "user": "admin@localhost"}])
def test_a_limit_holds_for_exactly_one(call: Both, named: dict[str, str]) -> None:
    with pytest.raises(tropism.UnprocessableEntityError, match="exactly one"):
        call("limits.set", "requests", 5, "day", **named)


def test_requests_are_whole(call: Both, use_case: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError, match=r"1\.5 is not") as caught:
        call("limits.set", "requests", 1.5, "day", use_case=use_case)
    assert caught.value.param == "amount"
    assert call("limits.list", use_case=use_case) == []


@pytest.mark.parametrize("subject", ["use_case", "user", "api_key"])
def test_what_is_not_there_has_no_limits(call: Both, subject: str) -> None:
    with pytest.raises(tropism.NotFoundError):
        call("limits.set", "requests", 1, "day", **{subject: str(uuid4())})


@pytest.fixture(scope="module")
def apart() -> Iterator[RunningServer]:
    """A server for users of its own."""
    with run_server() as running:
        yield running


class People:
    """An admin, a maintainer of the same team, an admin of another one, and what they hold."""

    def __init__(self, server: RunningServer, admin: Tropism) -> None:
        self.server, self.admin = server, admin
        name = uuid4().hex[:8]
        self.case, self.other_team = f"case-{name}", f"team-{name}"
        admin.use_cases.create(self.case, team="default")
        self.maintainer_email, self.maintainer = self.join("default", "maintainer")
        admin.teams.create(self.other_team)
        self.stranger_email, self.stranger = self.join(self.other_team, "admin")

    def join(self, team: str, role: str) -> tuple[str, Tropism]:
        email = f"{uuid4().hex}@example.com"
        self.admin.users.create(email, "Somebody", team, role, kind="service")
        key = self.admin.api_keys.create("key", user=email)
        return email, Tropism(self.server.base_url, key.key)


@pytest.fixture
def people(apart: RunningServer) -> Iterator[People]:
    with Tropism(apart.base_url, apart.api_key) as admin:
        them = People(apart, admin)
        yield them
        them.maintainer.close()
        them.stranger.close()


def test_a_maintainer_limits_the_use_cases_of_the_team(people: People) -> None:
    made = people.maintainer.limits.set("usd", 2.5, "day", use_case=people.case)
    assert (made.amount, made.remaining) == (2.5, 2.5)
    people.maintainer.limits.remove(made.id)


def test_another_team_sees_no_limit(people: People) -> None:
    limit = people.admin.limits.set("requests", 5, "day", use_case=people.case)
    on_key = people.admin.limits.set("requests", 5, "day", user=people.maintainer_email)
    assert not {limit.id, on_key.id} & {each.id for each in people.stranger.limits.list()}
    for attempt in (
        lambda: people.stranger.limits.list(use_case=people.case),
        lambda: people.stranger.limits.set("requests", 9, "day", use_case=people.case),
        lambda: people.stranger.limits.set("requests", 9, "day", user=people.maintainer_email),
        lambda: people.stranger.limits.remove(limit.id),
        lambda: people.stranger.limits.remove(on_key.id),
    ):
        with pytest.raises(tropism.NotFoundError):
            attempt()
    assert people.admin.limits.list(use_case=people.case)[0].amount == 5


def test_nobody_lifts_what_those_in_charge_have_set(people: People) -> None:
    key = people.maintainer.api_keys.list()[0].id
    for subject in ({"user": people.maintainer_email}, {"api_key": key}):
        limit = people.admin.limits.set("requests", 5, "day", **subject)
        assert limit.id in [each.id for each in people.maintainer.limits.list()]
        for attempt in (
            lambda subject=subject: people.maintainer.limits.set("requests", 99, "day", **subject),
            lambda limit=limit: people.maintainer.limits.remove(limit.id),
        ):
            with pytest.raises(tropism.PermissionDeniedError, match="change their roles"):
                attempt()
        assert people.admin.limits.list(**subject)[0].amount == 5
        people.admin.limits.remove(limit.id)


def test_a_viewer_sees_and_sets_nothing(people: People) -> None:
    _, viewer = people.join("default", "viewer")
    with viewer:
        limit = people.admin.limits.set("requests", 5, "day", use_case=people.case)
        assert limit.id in [each.id for each in viewer.limits.list()]
        with pytest.raises(tropism.PermissionDeniedError, match="limit:update"):
            viewer.limits.set("requests", 9, "day", use_case=people.case)

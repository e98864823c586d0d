"""Users, teams and roles: nobody gives what they lack, and nobody sees who is not theirs to see."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from tests.access.conftest import As
from tests.conftest import Both

from tropism import ConflictError, NotFoundError, PermissionDeniedError, Tropism, UnprocessableEntityError


def address() -> str:
    return f"{uuid4().hex}@example.com"


def test_a_user_comes_changes_and_leaves(call: Both, team: str) -> None:
    email = address()
    made = call("users.create", email.upper(), "Ada", team, "annotator")
    assert (made.email, made.kind) == (email, "person")
    assert [(each.team, each.role) for each in made.teams] == [(team, "annotator")]
    changed = call("users.update", email, team, "maintainer")
    assert [each.role for each in changed.teams] == ["maintainer"]
    assert email in [user.email for user in call("users.list")]
    assert call("users.remove", made.id, team).teams == []
    assert email not in [user.email for user in call("users.list")]


def test_creating_somebody_twice_says_what_to_do(client: Tropism, team: str) -> None:
    email = address()
    client.users.create(email, "Ada", team)
    with pytest.raises(ConflictError, match=r"users\.update"):
        client.users.create(email, "Ada", team)


def test_one_user_in_two_teams(client: Tropism, team: str) -> None:
    email = address()
    first = client.users.create(email, "Ada", team, "viewer")
    second = client.users.create(email, "Another name", "default", "developer")
    assert (second.id, second.name) == (first.id, "Ada")
    assert {(each.team, each.role) for each in second.teams} == {(team, "viewer"), ("default", "developer")}


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example.com\n", "a@b@c"])
def test_what_is_no_address_is_refused(client: Tropism, team: str, email: str) -> None:
    with pytest.raises(UnprocessableEntityError):
        client.users.create(email, "Ada", team)


def test_who_is_in_several_teams_names_one(client: Tropism, team: str) -> None:
    with pytest.raises(UnprocessableEntityError, match="several teams"):
        client.users.create(address(), "Ada")


def test_another_team_is_not_there(new_user: As, client: Tropism, team: str) -> None:
    email = address()
    client.users.create(email, "Ada", "default")
    admin = new_user(team, "admin")
    assert [each.key for each in admin.teams.list()] == [team]
    assert email not in [user.email for user in admin.users.list()]
    for attempt in (
        lambda: admin.users.update(email, team, "viewer"),
        lambda: admin.users.remove(email, "default"),
        lambda: admin.users.create(address(), "Eve", "default"),
        lambda: admin.api_keys.list(email),
    ):
        with pytest.raises(NotFoundError):
            attempt()


def test_nobody_gives_what_they_lack(client: Tropism, new_user: As, team: str) -> None:
    client.roles.create(hiring := f"hiring-{uuid4().hex[:8]}", ["user:create", "user:update", "user:read"])
    clerk, email = new_user(team, hiring), address()
    with pytest.raises(PermissionDeniedError, match="chat:create"):
        clerk.users.create(email, "Ada", team, "developer")
    clerk.users.create(email, "Ada", team, hiring)
    with pytest.raises(PermissionDeniedError, match="you lack"):
        clerk.users.update(email, team, "admin")
    with pytest.raises(PermissionDeniedError, match="you lack"):
        clerk.users.update(clerk.users.me().email, team, "admin")


def test_nobody_takes_away_from_those_who_may_more(client: Tropism, new_user: As, team: str) -> None:
    client.roles.create(hiring := f"hiring-{uuid4().hex[:8]}", ["user:create", "user:update", "user:read"])
    clerk, boss = new_user(team, hiring), new_user(team, "admin")
    with pytest.raises(PermissionDeniedError, match="only an equal"):
        clerk.users.remove(boss.users.me().email, team)


def test_somebody_stays_in_charge(client: Tropism, team: str) -> None:
    me = client.users.me().email
    with pytest.raises(ConflictError, match="the last"):
        client.users.remove(me, team)
    with pytest.raises(ConflictError, match="the last"):
        client.users.update(me, team, "viewer")
    client.users.create(address(), "Ada", team, "admin")
    client.users.remove(me, team)
    assert team not in [each.key for each in client.teams.list()]


def test_a_role_is_made_used_and_deleted(call: Both, team: str) -> None:
    key = f"role-{uuid4().hex[:8]}"
    made = call("roles.create", key, ["chat:create", "use_case:read", "chat:create"], "Talks")
    assert (made.permissions, made.built_in) == (["chat:create", "use_case:read"], False)
    assert key in [role.key for role in call("roles.list")]
    with pytest.raises(ConflictError, match="already"):
        call("roles.create", key, ["chat:create"])
    call("users.create", email := address(), "Ada", team, key)
    with pytest.raises(ConflictError, match="somebody has the role"):
        call("roles.delete", key)
    call("users.remove", email, team)
    call("roles.delete", key)
    with pytest.raises(NotFoundError, match=r"roles\.list"):
        call("roles.delete", key)


def test_built_in_roles_stay(client: Tropism) -> None:
    with pytest.raises(ConflictError, match="built in"):
        client.roles.delete("viewer")


def test_a_role_holds_nothing_that_its_maker_lacks(client: Tropism, new_user: As, team: str) -> None:
    client.roles.create(narrow := f"narrow-{uuid4().hex[:8]}", ["role:create", "role:read"])
    clerk = new_user(team, narrow)
    with pytest.raises(PermissionDeniedError, match="lack"):
        clerk.roles.create(f"more-{uuid4().hex[:8]}", ["role:create", "model:create"])
    assert clerk.roles.create(f"less-{uuid4().hex[:8]}", ["role:read"]).permissions == ["role:read"]


def test_a_new_team_is_its_makers(client: Tropism, new_user: As, team: str) -> None:
    admin = new_user(team, "admin")
    made = admin.teams.create(f"team-{uuid4().hex[:12]}", "Ours")
    assert {each.team: each.role for each in admin.users.me().teams} == {team: "admin", made.key: "admin"}
    admin.use_cases.create(case := f"case-{uuid4().hex[:12]}", team=made.key)
    with pytest.raises(NotFoundError):
        client.use_cases.get(case)


def test_a_use_case_is_shared_under_a_role_and_taken_back(
    client: Tropism, new_user: As, team: str, use_case: str
) -> None:
    developer, viewer = new_user(team, "developer"), new_user(team, "viewer")
    hello = [{"role": "user", "content": "hello"}]
    with pytest.raises(NotFoundError):
        developer.use_cases.get(use_case)
    assert [
        (each.team, each.role) for each in client.use_cases.share(team, "annotator", use_case=use_case).shared_with
    ] == [(team, "annotator")]
    id = client.chat.create(hello, use_case=use_case).choices[0].completion_id
    assert use_case in [each.key for each in viewer.use_cases.list()]
    assert viewer.interactions.list(use_case=use_case).total_count == 1
    developer.feedback.log_metric(1, id, f"{use_case}-thumbs")
    with pytest.raises((PermissionDeniedError, NotFoundError)):  # the share's role does not chat
        developer.chat.create(hello, use_case=use_case)
    with pytest.raises((PermissionDeniedError, NotFoundError)):  # their own role logs no feedback
        viewer.feedback.log_metric(1, id, f"{use_case}-thumbs")
    client.use_cases.share(team, "developer", use_case=use_case)
    assert developer.chat.create(hello, use_case=use_case).choices
    client.use_cases.unshare(team, use_case=use_case)
    for member in (developer, viewer):
        with pytest.raises(NotFoundError):
            member.interactions.list(use_case=use_case)
    assert use_case not in [each.key for each in viewer.use_cases.list()]


def test_who_has_a_share_does_not_learn_of_those_of_other_teams(
    client: Tropism, new_user: As, team: str, use_case: str
) -> None:
    client.teams.create(other := f"team-{uuid4().hex[:12]}")
    for each in (team, other):
        client.use_cases.share(each, "viewer", use_case=use_case)
    member = new_user(team, "viewer")
    assert [each.team for each in member.use_cases.get(use_case).shared_with] == [team]
    (listed,) = [each for each in member.use_cases.list() if each.key == use_case]
    assert [each.team for each in listed.shared_with] == [team]
    owner = new_user("default", "viewer")
    assert [each.team for each in owner.use_cases.get(use_case).shared_with] == [team, other]


def test_who_has_a_share_does_not_share_on(client: Tropism, new_user: As, team: str, use_case: str) -> None:
    client.use_cases.share(team, "admin", use_case=use_case)
    admin = new_user(team, "admin")
    attempts: list[Callable[[], object]] = [
        lambda: admin.use_cases.share(team, "viewer", use_case=use_case),
        lambda: admin.use_cases.unshare(team, use_case=use_case),
    ]
    for attempt in attempts:
        with pytest.raises((PermissionDeniedError, NotFoundError)):
            attempt()
    assert len(client.use_cases.get(use_case).shared_with) == 1


def test_bad_shares(client: Tropism, team: str, use_case: str) -> None:
    with pytest.raises(UnprocessableEntityError, match="belongs to team"):
        client.use_cases.share("default", use_case=use_case)
    with pytest.raises(NotFoundError, match="no team"):
        client.use_cases.share("nobody", use_case=use_case)
    with pytest.raises(NotFoundError, match="not shared"):
        client.use_cases.unshare(team, use_case=use_case)


def test_a_caller_learns_what_they_may_do_where(call: Both, new_user: As, client: Tropism, team: str) -> None:
    key = client.use_cases.create(f"case-{uuid4().hex[:12]}", team="default").key
    call("use_cases.share", team, "annotator", use_case=key)
    me = new_user(team, "viewer").users.me()
    assert set(me.permissions) == {team}
    assert "use_case:read" in me.permissions[team]
    assert "feedback:create" not in me.permissions[team]
    assert set(me.shares) == {key}
    assert "feedback:create" not in me.shares[key]  # the share would allow it, the role in the team does not
    narrow = new_user(team, "admin", permissions=["user:read", "chat:create"]).users.me()
    assert narrow.permissions == {team: ["chat:create", "user:read"]}


def test_a_service_account_of_others_is_not_taken_for_a_person(client: Tropism, new_user: As, team: str) -> None:
    """Whoever made it has its key, and waits for somebody to give the address a better role."""
    stranger = new_user(team, "admin")
    stranger.users.create(email := address(), "The boss", team, kind="service")
    with pytest.raises(ConflictError, match="service account"):
        client.users.create(email, "The boss", "default", "admin")
    assert email not in [each.email for each in client.users.list() if "default" in {held.team for held in each.teams}]

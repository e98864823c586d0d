"""`tropism users`, `teams`, `roles` and `api-keys`: who may do what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, cast

from cyclopts import App, Parameter
from rich.console import RenderableType

from tropism.cli import passwords, show
from tropism.cli.engine import DEFAULT, Engine
from tropism.wire import access as wire
from tropism.wire.permissions import Permission

users = App(name="users", help="People and service accounts.")
teams = App(name="teams", help="Those who work on the same use cases.")
roles = App(name="roles", help="Named sets of permissions.")
api_keys = App(name="api-keys", help="What programs show to say for whom they call.")


@users.command(name="list")
def list_users(*, engine: Engine = DEFAULT) -> None:
    """List the users of your teams."""
    with engine.client() as client:
        found = client.users.list()
    rows = [(user.email, user.name, user.kind, _roles(user)) for user in found]
    show.answer(engine, found, lambda: show.table(["Email", "Name", "Kind", "Roles"], rows, "No users."))


@users.command(name="create")
def create_user(
    email: str,
    name: str,
    *,
    team: str | None = None,
    role: str = "viewer",
    service: Annotated[bool, Parameter(negative="")] = False,
    engine: Engine = DEFAULT,
) -> None:
    """Create a user in a team.

    Parameters
    ----------
    email
        The address that names the user; a service account's need not receive mail.
    name
        What people read.
    team
        The team to put the user into; yours if you have only one.
    role
        What the user may do there; nothing that you may not.
    service
        It is a program: you make its api keys.
    """
    with engine.client() as client:
        made = client.users.create(email, name, team, role, kind="service" if service else "person")
    show.answer(engine, made, lambda: _user(made))


@users.command(name="update")
def update_user(email: str, team: str, role: str, *, engine: Engine = DEFAULT) -> None:
    """Put a user into a team with a role, or change the role."""
    with engine.client() as client:
        changed = client.users.update(email, team, role)
    show.answer(engine, changed, lambda: _user(changed))


@users.command(name="remove")
def remove_user(email: str, team: str, *, engine: Engine = DEFAULT) -> None:
    """Take a user out of a team."""
    with engine.client() as client:
        removed = client.users.remove(email, team)
    show.answer(engine, removed, lambda: _user(removed))


@users.command(name="deactivate")
def deactivate_user(email: str, *, engine: Engine = DEFAULT) -> None:
    """Let a user in no more: sign-ins end and api keys are refused, at once."""
    with engine.client() as client:
        changed = client.users.deactivate(email)
    show.answer(engine, changed, lambda: _user(changed))


@users.command(name="activate")
def activate_user(email: str, *, engine: Engine = DEFAULT) -> None:
    """Let a deactivated user in again."""
    with engine.client() as client:
        changed = client.users.activate(email)
    show.answer(engine, changed, lambda: _user(changed))


users.command(passwords.invite)
users.command(passwords.set_password)


@teams.command(name="list")
def list_teams(*, engine: Engine = DEFAULT) -> None:
    """List your teams."""
    with engine.client() as client:
        found = client.teams.list()
    rows = [(team.key, team.name, team.created_at) for team in found]
    show.answer(engine, found, lambda: show.table(["Key", "Name", "Created"], rows, "You are in no team."))


@teams.command(name="create")
def create_team(key: str, name: str | None = None, *, engine: Engine = DEFAULT) -> None:
    """Create a team, with yourself in it."""
    with engine.client() as client:
        made = client.teams.create(key, name)
    show.answer(engine, made, lambda: show.record({"Key": made.key, "Name": made.name, "Id": made.id}))


@roles.command(name="list")
def list_roles(*, engine: Engine = DEFAULT) -> None:
    """List the roles and what they allow."""
    with engine.client() as client:
        found = client.roles.list()
    rows = [(role.key, role.built_in, _short(role.permissions)) for role in found]
    show.answer(engine, found, lambda: show.table(["Key", "Built in", "Permissions"], rows, "No roles."))


@roles.command(name="create")
def create_role(key: str, *permissions: str, name: str | None = None, engine: Engine = DEFAULT) -> None:
    """Create a role from permissions that you have, such as `chat:create`; `tropism roles list` shows them all."""
    with engine.client() as client:
        made = client.roles.create(key, cast(Sequence[Permission], permissions), name)
    show.answer(engine, made, lambda: show.record({"Key": made.key, "Permissions": made.permissions}))


@roles.command(name="delete")
def delete_role(role: str, *, engine: Engine = DEFAULT) -> None:
    """Delete a role that nobody has."""
    with engine.client() as client:
        client.roles.delete(role)
    show.note(f"The role {role} is gone.")


@api_keys.command(name="list")
def list_api_keys(*, user: str | None = None, engine: Engine = DEFAULT) -> None:
    """List your api keys, or those of a user whom you are in charge of."""
    with engine.client() as client:
        found = client.api_keys.list(user)
    columns = ["Id", "~Name", "Begins", "Last used", "Expires", "Limits"]
    rows = [(key.id, key.name, key.prefix, key.last_used_at, key.expires_at, _limits(key)) for key in found]
    show.answer(engine, found, lambda: show.table(columns, rows, "No api keys. `tropism api-keys create --help`."))


@api_keys.command(name="create")
def create_api_key(
    name: str,
    *,
    user: str | None = None,
    use_case: Annotated[list[str] | None, Parameter(name=["--use-case", "-u"], negative="")] = None,
    permission: Annotated[list[str] | None, Parameter(negative="")] = None,
    days: float | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Make an api key. It is shown this once.

    Parameters
    ----------
    name
        What it is for.
    user
        The service account it is for; yourself if not given.
    use_case
        A use case that it is good for; may be given several times. All that you see if not given.
    permission
        A permission that it has, such as chat:create; may be given several times. All of yours if not given.
    days
        It expires after so many days.
    """
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with engine.client() as client:
        made = client.api_keys.create(
            name,
            user=user,
            use_cases=use_case,
            permissions=cast("list[Permission] | None", permission),
            expires_at=expires_at,
        )
    if engine.json:
        show.print_json(made)
        return
    show.write(f"{made.key}\n")
    show.note("Keep it now: it cannot be shown again.")


@api_keys.command(name="revoke")
def revoke_api_key(api_key: str, *, engine: Engine = DEFAULT) -> None:
    """Revoke an api key, by its id."""
    with engine.client() as client:
        client.api_keys.revoke(api_key)
    show.note("The key is revoked.")


def _user(user: wire.User) -> RenderableType:
    return show.record(
        {"Email": user.email, "Name": user.name, "Kind": user.kind, "Active": user.active, "Roles": _roles(user)}
    )


def _roles(user: wire.User) -> list[str]:
    return [f"{membership.role} in {membership.team}" for membership in user.teams]


def _short(permissions: Sequence[str]) -> str:
    """`chat:create, job:cancel+read`: verbs gathered by what they are about."""
    verbs: dict[str, list[str]] = defaultdict(list)
    for permission in permissions:
        about, _, verb = permission.partition(":")
        verbs[about].append(verb)
    return ", ".join(f"{about}:{'+'.join(each)}" for about, each in verbs.items())


def _limits(key: wire.ApiKey) -> str:
    parts = [", ".join(key.use_cases or ()), _short(key.permissions or ())]
    return "; ".join(part for part in parts if part) or "-"

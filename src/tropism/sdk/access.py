"""Who may do what: users, teams, roles, permissions and api keys."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import Id, unchecked
from tropism.sdk.send import send
from tropism.wire import access as wire
from tropism.wire.page import Nothing
from tropism.wire.permissions import Permission


class _Permissions(Resource):
    @operation
    def list(self) -> Flow[builtins.list[Permission]]:
        """List every permission that a role can hold, such as `use_case:read`."""
        answer = yield from send(wire.LIST_PERMISSIONS, Nothing())
        return answer.permissions


class Permissions(_Permissions, SyncResource):
    """What a role can allow."""


class AsyncPermissions(_Permissions, AsyncResource):
    """What a role can allow."""


class _Roles(Resource):
    @operation
    def list(self) -> Flow[builtins.list[wire.Role]]:
        """List the roles, built in and your own, with what each allows."""
        answer = yield from send(wire.LIST_ROLES, Nothing())
        return answer.roles

    @operation
    def create(self, key: str, permissions: Sequence[Permission], name: str | None = None) -> Flow[wire.Role]:
        """Create a role. It can hold no permission that you lack, and it never changes."""
        takes = wire.RoleCreate(key=key, permissions=unchecked(permissions), name=name)
        return (yield from send(wire.CREATE_ROLE, takes))

    @operation
    def delete(self, role: Reference) -> Flow[None]:
        """Delete a role that nobody has."""
        yield from send(wire.DELETE_ROLE, wire.RoleReference(role=unchecked(role)))


class Roles(_Roles, SyncResource):
    """Named sets of permissions."""


class AsyncRoles(_Roles, AsyncResource):
    """Named sets of permissions."""


class _Teams(Resource):
    @operation
    def list(self) -> Flow[builtins.list[wire.Team]]:
        """List your teams."""
        answer = yield from send(wire.LIST_TEAMS, Nothing())
        return answer.teams

    @operation
    def create(self, key: str, name: str | None = None) -> Flow[wire.Team]:
        """Create a team. You are in it, with the role that let you create it."""
        return (yield from send(wire.CREATE_TEAM, wire.TeamCreate(key=key, name=name)))


class Teams(_Teams, SyncResource):
    """Those who work on the same use cases."""


class AsyncTeams(_Teams, AsyncResource):
    """Those who work on the same use cases."""


class _Users(Resource):
    @operation
    def me(self) -> Flow[wire.Me]:
        """Get the user whose api key this client holds, and what the key may do."""
        return (yield from send(wire.ME, Nothing()))

    @operation
    def list(self) -> Flow[builtins.list[wire.User]]:
        """List the users of your teams."""
        answer = yield from send(wire.LIST_USERS, Nothing())
        return answer.users

    @operation
    def create(
        self,
        email: str,
        name: str,
        team: Reference | None = None,
        role: Reference = "viewer",
        *,
        kind: wire.UserKind = "person",
    ) -> Flow[wire.User]:
        """Create a user in a team: a person, or a service account for a program.

        `team` can be left out when you are in one only. The role can hold nothing that you lack in that team.
        """
        takes = wire.UserCreate(email=email, name=name, kind=kind, team=unchecked(team), role=unchecked(role))
        return (yield from send(wire.CREATE_USER, takes))

    @operation
    def update(self, email: Reference, team: Reference, role: Reference) -> Flow[wire.User]:
        """Put a user of your teams into a team with a role, or change the role."""
        takes = wire.UserUpdate(user=unchecked(email), team=unchecked(team), role=unchecked(role))
        return (yield from send(wire.UPDATE_USER, takes))

    @operation
    def remove(self, email: Reference, team: Reference) -> Flow[wire.User]:
        """Take a user out of a team."""
        takes = wire.MembershipReference(user=unchecked(email), team=unchecked(team))
        return (yield from send(wire.REMOVE_USER, takes))

    @operation
    def deactivate(self, user: Reference) -> Flow[wire.User]:
        """Let a user whom you are in charge of in no more: sign-ins end and api keys are refused, at once."""
        return (yield from send(wire.DEACTIVATE_USER, wire.UserReference(user=unchecked(user))))

    @operation
    def activate(self, user: Reference) -> Flow[wire.User]:
        """Let a deactivated user in again: their api keys count, and they can sign in."""
        return (yield from send(wire.ACTIVATE_USER, wire.UserReference(user=unchecked(user))))


class Users(_Users, SyncResource):
    """People and service accounts."""


class AsyncUsers(_Users, AsyncResource):
    """People and service accounts."""


class _ApiKeys(Resource):
    @operation
    def create(
        self,
        name: str,
        *,
        user: Reference | None = None,
        use_cases: Sequence[Reference] | None = None,
        permissions: Sequence[Permission] | None = None,
        expires_at: datetime | None = None,
    ) -> Flow[wire.NewApiKey]:
        """Make an api key; its `key` is shown this once and cannot be read again.

        It is yours, or a service account's that is named by `user`. `use_cases` and `permissions` narrow it;
        `expires_at` ends it.
        """
        takes = wire.ApiKeyCreate(
            name=name,
            user=unchecked(user),
            use_cases=unchecked(use_cases),
            permissions=unchecked(permissions),
            expires_at=expires_at,
        )
        return (yield from send(wire.CREATE_API_KEY, takes))

    @operation
    def list(self, user: Reference | None = None) -> Flow[builtins.list[wire.ApiKey]]:
        """List your api keys, or those of a user whom you are in charge of: how they begin, and when they were used."""
        answer = yield from send(wire.LIST_API_KEYS, wire.ApiKeyFilter(user=unchecked(user)))
        return answer.api_keys

    @operation
    def revoke(self, api_key: Id) -> Flow[None]:
        """Revoke an api key, by its id: from now on calls with it are refused."""
        yield from send(wire.REVOKE_API_KEY, wire.ApiKeyReference(api_key=unchecked(api_key)))


class ApiKeys(_ApiKeys, SyncResource):
    """What programs show to say for whom they call."""


class AsyncApiKeys(_ApiKeys, AsyncResource):
    """What programs show to say for whom they call."""

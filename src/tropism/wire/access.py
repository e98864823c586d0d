"""Who may do what: users, teams, roles, permissions and api keys."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing
from tropism.wire.permissions import Permission
from tropism.wire.values import Key, Name, Reference, Time

Email = Annotated[
    str,
    Meta(
        pattern=r"^[^@\s]+@[^@\s]+$(?!\n)",
        max_length=254,
        description="An email address; a service account's need not receive mail.",
    ),
]
UserKind = Literal["person", "service"]


class Membership(Struct, kw_only=True, frozen=True):
    """A user's role in one team, by keys."""

    team: str
    role: str


class User(Struct, kw_only=True, frozen=True):
    """A person or a service account, with the teams that the caller sees, too."""

    id: UUID
    email: str
    name: str
    kind: UserKind
    active: bool
    """Whether the user's keys and sign-ins count."""
    created_at: Time
    teams: list[Membership]


class Me(User, kw_only=True, frozen=True):
    """The caller, and what this call's key may do: in each team, and on each use case that another team shares."""

    permissions: dict[str, list[Permission]]
    """By the team's key. It covers all of the team's use cases that the caller sees."""
    shares: dict[str, list[Permission]]
    """By the key of a use case that is shared with a team of the caller's."""


class Users(Struct, kw_only=True, frozen=True):
    """The users of the caller's teams."""

    users: list[User]


class UserCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new user, put into a team with a role. `team` can be left out by callers who have one only."""

    email: Email
    name: Name
    kind: UserKind = "person"
    team: Reference | None = None
    role: Reference = "viewer"


class UserUpdate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A user's role in a team; whoever was not in it is now."""

    user: Reference
    team: Reference
    role: Reference


class UserReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A user by email or id."""

    user: Reference


class MembershipReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One user in one team."""

    user: Reference
    team: Reference


class Team(Struct, kw_only=True, frozen=True):
    """Those who work on the same use cases."""

    id: UUID
    key: str
    name: str
    created_at: Time


class Teams(Struct, kw_only=True, frozen=True):
    """The teams of the caller."""

    teams: list[Team]


class TeamCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new team. Whoever makes it is its first member, in the role that allowed it."""

    key: Key
    name: Name | None = None


class Role(Struct, kw_only=True, frozen=True):
    """A named set of permissions."""

    id: UUID
    key: str
    name: str
    built_in: bool
    permissions: list[Permission]


class Roles(Struct, kw_only=True, frozen=True):
    """Every role there is."""

    roles: list[Role]


class RoleCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new role. It can hold no permission that its maker lacks, and it never changes."""

    key: Key
    permissions: Annotated[list[Permission], Meta(min_length=1)]
    name: Name | None = None


class RoleReference(Struct, kw_only=True, frozen=True):
    """A role by its key or id."""

    role: Reference


class Permissions(Struct, kw_only=True, frozen=True):
    """Every permission that a role can hold."""

    permissions: list[Permission]


class ApiKey(Struct, kw_only=True, frozen=True):
    """A key as it is listed: never the key itself. `last_used_at` is true to the minute."""

    id: UUID
    name: str
    prefix: str
    user: str
    use_cases: list[str] | None
    """The only use cases it is good for; None is every one that its user sees."""
    permissions: list[Permission] | None
    """All that it may be used for; None is all that its user may do."""
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None


class NewApiKey(ApiKey, kw_only=True, frozen=True):
    """A key that was just made. `key` is shown this once."""

    key: str


class ApiKeys(Struct, kw_only=True, frozen=True):
    """Keys, oldest first."""

    api_keys: list[ApiKey]


class ApiKeyCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new key for the caller, or for a service account. It can be narrowed to use cases and permissions."""

    name: Name
    user: Reference | None = None
    use_cases: Annotated[list[Reference], Meta(min_length=1, max_length=1000)] | None = None
    permissions: Annotated[list[Permission], Meta(min_length=1)] | None = None
    expires_at: Time | None = None


class ApiKeyFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose keys; the caller's own if None."""

    user: Reference | None = None


class ApiKeyReference(Struct, kw_only=True, frozen=True):
    """A key by its id."""

    api_key: UUID


LIST_PERMISSIONS = Endpoint(
    method="GET",
    path="/api/v1/permissions",
    takes=Nothing,
    returns=Permissions,
    permission="permission:read",
    summary="List every permission that a role can hold",
)
ME = Endpoint(
    method="GET",
    path="/api/v1/users/me",
    takes=Nothing,
    returns=Me,
    permission="user:read",
    summary="Get the user whose key makes this call, and what the key may do",
)
LIST_USERS = Endpoint(
    method="GET",
    path="/api/v1/users",
    takes=Nothing,
    returns=Users,
    permission="user:read",
    summary="List the users of your teams",
)
CREATE_USER = Endpoint(
    method="POST",
    path="/api/v1/users",
    takes=UserCreate,
    returns=User,
    permission="user:create",
    summary="Create a user in a team",
    status=201,
)
UPDATE_USER = Endpoint(
    method="PATCH",
    path="/api/v1/users/{user}",
    takes=UserUpdate,
    returns=User,
    permission="user:update",
    summary="Give a user a role in a team",
)
REMOVE_USER = Endpoint(
    method="DELETE",
    path="/api/v1/users/{user}/teams/{team}",
    takes=MembershipReference,
    returns=User,
    permission="user:update",
    summary="Take a user out of a team",
)
DEACTIVATE_USER = Endpoint(
    method="DELETE",
    path="/api/v1/users/{user}",
    takes=UserReference,
    returns=User,
    permission="user:update",
    summary="Deactivate a user: sign-ins end, and keys are refused, at once",
)
ACTIVATE_USER = Endpoint(
    method="POST",
    path="/api/v1/users/{user}/activation",
    takes=UserReference,
    returns=User,
    permission="user:update",
    summary="Let a deactivated user in again",
)
LIST_TEAMS = Endpoint(
    method="GET",
    path="/api/v1/teams",
    takes=Nothing,
    returns=Teams,
    permission="team:read",
    summary="List your teams",
)
CREATE_TEAM = Endpoint(
    method="POST",
    path="/api/v1/teams",
    takes=TeamCreate,
    returns=Team,
    permission="team:create",
    summary="Create a team, with yourself in it",
    status=201,
)
LIST_ROLES = Endpoint(
    method="GET",
    path="/api/v1/roles",
    takes=Nothing,
    returns=Roles,
    permission="role:read",
    summary="List the roles and what they allow",
)
CREATE_ROLE = Endpoint(
    method="POST",
    path="/api/v1/roles",
    takes=RoleCreate,
    returns=Role,
    permission="role:create",
    summary="Create a role from permissions that you have",
    status=201,
)
DELETE_ROLE = Endpoint(
    method="DELETE",
    path="/api/v1/roles/{role}",
    takes=RoleReference,
    returns=Nothing,
    permission="role:delete",
    summary="Delete a role that nobody has",
)
LIST_API_KEYS = Endpoint(
    method="GET",
    path="/api/v1/api_keys",
    takes=ApiKeyFilter,
    returns=ApiKeys,
    permission="api_key:read",
    summary="List api keys: yours, or those of a user of your team",
)
CREATE_API_KEY = Endpoint(
    method="POST",
    path="/api/v1/api_keys",
    takes=ApiKeyCreate,
    returns=NewApiKey,
    permission="api_key:create",
    summary="Create an api key; it is shown this once",
    status=201,
    replayable=False,
)
REVOKE_API_KEY = Endpoint(
    method="DELETE",
    path="/api/v1/api_keys/{api_key}",
    takes=ApiKeyReference,
    returns=Nothing,
    permission="api_key:delete",
    summary="Revoke an api key at once",
)

"""Who may do what: users and permissions."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing
from tropism.wire.permissions import Permission
from tropism.wire.values import Time


class Membership(Struct, kw_only=True, frozen=True):
    """A user's role in one team, by keys."""

    team: str
    role: str


class User(Struct, kw_only=True, frozen=True):
    """A person or a service account."""

    id: UUID
    email: str
    name: str
    created_at: Time
    teams: list[Membership]


class Permissions(Struct, kw_only=True, frozen=True):
    """Every permission that a role can hold."""

    permissions: list[Permission]


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
    returns=User,
    permission="user:read",
    summary="Get the user whose key makes this call",
)

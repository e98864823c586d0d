"""Who makes a call, and what they may do in which team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from tropism.server.clock import EPOCH
from tropism.wire.permissions import Permission


@dataclass(frozen=True, slots=True)
class Principal:
    """The user behind an api key, as far as the key goes, or somebody who is signed in.

    `grants` maps each team's id to the permissions held there, `shares` each use case that another team shares to the
    permissions held on it.
    """

    user_id: UUID
    grants: Mapping[UUID, frozenset[Permission]] = field(default_factory=dict)
    shares: Mapping[UUID, frozenset[Permission]] = field(default_factory=dict)
    is_system: bool = False
    only: frozenset[UUID] | None = None
    """The use cases that the key is narrowed to."""
    is_narrowed: bool = False
    """Whether the key allows less than its user may do."""
    key_id: UUID | None = None
    sign_in_id: UUID | None = None
    """Set instead of `key_id` for somebody who is signed in."""
    expires_ms: int | None = None
    """When the key or the sign-in ends, in milliseconds since 1970."""

    @property
    def key_ends(self) -> datetime | None:
        """When the key of this call expires; None for one that does not, and for somebody who is signed in."""
        return (
            None if self.key_id is None or self.expires_ms is None else EPOCH + timedelta(milliseconds=self.expires_ms)
        )

    def may(self, permission: Permission, team: UUID | None = None) -> bool:
        """Whether the permission is held in this team, or in any team if None."""
        if self.is_system:
            return True
        if team is not None:
            return permission in self.grants.get(team, ())
        return any(permission in held for held in self.grants.values())

    def may_on(self, permission: Permission, team: UUID, use_case: UUID) -> bool:
        """Whether the permission is held on a use case of this team: in the team, or by a share."""
        return self.may(permission, team) or permission in self.shares.get(use_case, ())

    def belongs_to(self, team: UUID) -> bool:
        return self.is_system or team in self.grants

    def sees(self, team: UUID, use_case: UUID | None) -> bool:
        """Whether a use case of this team is there for the caller; None stands for what is the team's as a whole."""
        if self.only is not None and use_case not in self.only:
            return False
        return self.belongs_to(team) or use_case in self.shares

    def with_permission(self, permission: Permission) -> Self:
        """The same caller, reduced to where the permission is held: elsewhere, nothing is there for this call."""
        if all(permission in held for held in (*self.grants.values(), *self.shares.values())):
            return self
        return replace(
            self,
            grants={team: held for team, held in self.grants.items() if permission in held},
            shares={use_case: held for use_case, held in self.shares.items() if permission in held},
        )


SYSTEM = Principal(UUID(int=0), is_system=True)
"""The server itself: at start, and when an engine changes its state."""

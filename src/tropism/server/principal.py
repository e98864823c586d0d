"""Who makes a call, and what they may do in which team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from tropism.wire.permissions import Permission


@dataclass(frozen=True, slots=True)
class Principal:
    """The user behind an api key. `grants` maps each team's id to the permissions held there."""

    user_id: UUID
    grants: Mapping[UUID, frozenset[Permission]] = field(default_factory=dict)
    is_system: bool = False

    def may(self, permission: Permission, team: UUID | None = None) -> bool:
        """Whether the permission is held in this team, or in any team if None."""
        if self.is_system:
            return True
        if team is not None:
            return permission in self.grants.get(team, ())
        return any(permission in held for held in self.grants.values())

    def sees(self, team: UUID) -> bool:
        return self.is_system or team in self.grants


SYSTEM = Principal(UUID(int=0), is_system=True)
"""The server itself: at start, and when an engine changes its state."""

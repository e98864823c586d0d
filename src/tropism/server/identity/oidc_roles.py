"""Which groups of an identity provider have which role in which team, as the operator says it in a setting."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class GroupRole:
    """Who is in this group has this role in this team."""

    group: str
    team: str
    role: str


def group_roles(text: str) -> tuple[GroupRole, ...]:
    """`ml-admins=default:admin; *=default:viewer`. Semicolons, because names of groups may hold commas and colons."""
    return tuple(_group_role(entry.strip()) for entry in text.split(";") if entry.strip())


def wanted(roles: Collection[GroupRole], groups: Collection[str]) -> dict[str, str]:
    """The role in each team for somebody in these groups; what stands first in the setting wins."""
    found: dict[str, str] = {}
    for each in roles:
        if each.group == EVERYBODY or each.group in groups:
            found.setdefault(each.team, each.role)
    return found


def _group_role(entry: str) -> GroupRole:
    group, _, place = entry.rpartition("=")
    team, _, role = place.partition(":")
    if not (group.strip() and team.strip() and role.strip()):
        raise ValueError(f"TROPISM_OIDC_ROLES takes entries such as 'ml-admins=default:admin', not {entry!r}")
    return GroupRole(group.strip(), team.strip(), role.strip())

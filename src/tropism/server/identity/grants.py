"""What users may do where, from their roles in teams and from the use cases that other teams share with theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, or_, select, true

from tropism.server.database.session import Reading
from tropism.server.identity.principal import SYSTEM, Principal
from tropism.server.tables import access
from tropism.server.tables.sign_ins import sign_in
from tropism.server.tables.use_cases import use_case, use_case_share
from tropism.wire.permissions import PERMISSIONS, Permission

Held = frozenset[Permission]
IS_ACTIVE = access.user.c.deactivated_ms.is_(None)

ABOUT_USE_CASES: Held = frozenset(
    {
        "ab_test:cancel",
        "ab_test:create",
        "ab_test:read",
        "chat:create",
        "compute_pool:read",
        "cost:read",
        "dataset:create",
        "dataset:delete",
        "dataset:read",
        "embedding:create",
        "evaluation:cancel",
        "evaluation:create",
        "evaluation:read",
        "feedback:create",
        "feedback_key:link",
        "feedback_key:read",
        "interaction:create",
        "interaction:delete",
        "interaction:read",
        "job:cancel",
        "job:read",
        "judge:read",
        "model:attach",
        "model:read",
        "training:cancel",
        "training:create",
        "training:read",
        "use_case:read",
        "user:read",
    }
)
"""All that a key can be good for which is narrowed to use cases, and all that a share can give."""


@dataclass(slots=True)
class Grants:
    """What one user may do: by team, and by use case that is shared with a team of theirs."""

    teams: dict[UUID, Held] = field(default_factory=dict)
    shares: dict[UUID, Held] = field(default_factory=lambda: defaultdict(frozenset))


def grants_of(session: Reading, user_id: UUID | None = None) -> Mapping[UUID, Grants]:
    """The grants of one user, or of every user, by the user's id."""
    member = access.membership
    held = select(member, access.role.c.permissions).join(access.role)
    if user_id is not None:
        held = held.where(member.c.user_id == user_id)
    found: dict[UUID, Grants] = defaultdict(Grants)
    shares = _shares_by_team(session)
    for row in session.rows(held):
        mine = found[row.user_id]
        mine.teams[row.team_id] = frozenset(row.permissions)
        for shared, allowed in shares.get(row.team_id, ()):
            # Nobody gets more on a shared use case than on those of their own team.
            mine.shares[shared] = mine.shares[shared] | (allowed & mine.teams[row.team_id])
    return found


def _shares_by_team(session: Reading) -> Mapping[UUID, list[tuple[UUID, Held]]]:
    rows = session.rows(select(use_case_share, access.role.c.permissions).join(access.role))
    found: dict[UUID, list[tuple[UUID, Held]]] = defaultdict(list)
    for row in rows:
        found[row.team_id].append((row.use_case_id, frozenset(row.permissions) & ABOUT_USE_CASES))
    return found


def principal_of(session: Reading, user_id: UUID) -> Principal:
    """Who a user is, for work that goes on after their call has ended."""
    if user_id == SYSTEM.user_id:
        return SYSTEM
    if session.row(select(access.user.c.id).where(access.user.c.id == user_id, IS_ACTIVE)) is None:
        return Principal(user_id)
    mine = grants_of(session, user_id).get(user_id, Grants())
    return Principal(user_id, mine.teams, mine.shares)


def principals(session: Reading, grants: Mapping[UUID, Grants]) -> dict[bytes, Principal]:
    """Everybody who can call, by the digest of their key."""
    keys = select(access.api_key).join(access.user).where(IS_ACTIVE)
    return {row.digest: _narrowed(row, grants.get(row.user_id, Grants())) for row in session.rows(keys)}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in, and when that was last written down, in milliseconds since 1970."""

    principal: Principal
    last_seen_ms: int


def signed_in(session: Reading, grants: Mapping[UUID, Grants]) -> dict[bytes, SignedIn]:
    """Everybody who is signed in, by the digest of the token that their browser holds."""
    found = {}
    for row in session.rows(select(sign_in).join(access.user).where(IS_ACTIVE)):
        mine = grants.get(row.user_id, Grants())
        who = Principal(row.user_id, mine.teams, mine.shares, sign_in_id=row.id, expires_ms=row.expires_ms)
        found[row.digest] = SignedIn(who, row.last_seen_ms)
    return found


def _narrowed(key: Row[Any], mine: Grants) -> Principal:
    """A user as far as one of their keys goes."""
    only = None if key.use_cases is None else frozenset(UUID(each) for each in key.use_cases)
    limit: Held = frozenset(PERMISSIONS if key.permissions is None else key.permissions)
    if only is not None:
        limit &= ABOUT_USE_CASES
    return Principal(
        key.user_id,
        {team: held & limit for team, held in mine.teams.items()},
        {shared: held & limit for shared, held in mine.shares.items() if only is None or shared in only},
        only=only,
        is_narrowed=only is not None or key.permissions is not None,
        key_id=key.id,
        expires_ms=key.expires_ms,
    )


def seen_by(principal: Principal) -> ColumnElement[bool]:
    """The condition that a use case is there for the caller, as `Principal.sees` says it of one."""
    if principal.is_system:
        return true()
    mine = or_(use_case.c.team_id.in_(principal.grants), use_case.c.id.in_(principal.shares))
    return mine if principal.only is None else mine & use_case.c.id.in_(principal.only)

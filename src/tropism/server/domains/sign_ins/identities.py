"""Who somebody from the identity provider is here: found by identity, or by a verified email, or made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, insert, select

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access import users
from tropism.server.domains.sign_ins.oidc_flow import Refused
from tropism.server.identity.id_tokens import Claims
from tropism.server.identity.oidc_roles import GroupRole, wanted
from tropism.server.settings import Settings
from tropism.server.tables.access import api_key, membership, user
from tropism.server.tables.sign_ins import identity, password
from tropism.wire.access import Email

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """What the provider says of who signed in. `email` is None unless it was verified."""

    issuer: str
    subject: str
    email: str | None
    name: str
    groups: frozenset[str]


def somebody(claims: Claims, issuer: str, settings: Settings) -> Somebody:
    """What matters to us of the claims."""
    verified = claims.get("email_verified")
    is_verified = verified is True or verified == "true" or (verified is None and settings.oidc_trust_email)
    email = _email(claims.get("email")) if is_verified else None
    name = next((claims[key] for key in ("name", "preferred_username") if isinstance(claims.get(key), str)), "")
    name = "".join(sign for sign in name if sign.isprintable())
    found = _within(claims, settings.oidc_groups_claim)
    groups = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return Somebody(
        issuer=issuer,
        subject=claims["sub"],
        email=email,
        name=(name.strip() or email or claims["sub"])[:LONGEST_NAME],
        groups=frozenset(each for each in groups if isinstance(each, str)),
    )


def person(
    transaction: Writing, who: Somebody, roles: tuple[GroupRole, ...], linking: UUID | None
) -> tuple[Row[Any], users.Changed]:
    """The active user that this is, with the roles that their groups have, or have no more. Or `Refused`."""
    known = identity.c.user_id == user.c.id, identity.c.issuer == who.issuer, identity.c.subject == who.subject
    row = transaction.row(select(user).join(identity, known[0]).where(*known[1:]))
    row = row if row is not None else _linked(transaction, who, roles, linking)
    if row.deactivated_ms is not None:
        raise Refused("inactive", f"{row.email} is deactivated")
    governed = {each.team for each in roles}
    return row, users.follow_groups(transaction, row.id, governed, wanted(roles, who.groups))


def has_a_role(session: Reading, user_id: UUID) -> bool:
    """Whether the user is in any team at all."""
    return session.row(select(membership.c.team_id).where(membership.c.user_id == user_id).limit(1)) is not None


def _linked(transaction: Writing, who: Somebody, roles: tuple[GroupRole, ...], linking: UUID | None) -> Row[Any]:
    if who.email is None:
        raise Refused("no_email", f"the provider gives no verified email of {who.subject!r}")
    row = transaction.row(select(user).where(user.c.email == who.email))
    if row is None:
        if not wanted(roles, who.groups):
            raise Refused("no_role", f"{who.email} is in no group that has a role here (TROPISM_OIDC_ROLES)")
        row = users.found_person(transaction, who.email, who.name)
    elif row.kind != "person" or (row.id != linking and _is_somebodys(transaction, row.id)):
        raise Refused("taken", f"{row.email} has a password, keys or another identity: sign in with it, then link it")
    transaction.run(insert(identity).values(issuer=who.issuer, subject=who.subject, user_id=row.id))
    return row


def _is_somebodys(session: Reading, id: UUID) -> bool:
    """Whether anybody can act as this user already: they are not necessarily who the provider says has the email."""
    used = (
        select(password.c.user_id).where(password.c.user_id == id),
        select(api_key.c.id).where(api_key.c.user_id == id),
        select(identity.c.user_id).where(identity.c.user_id == id),
    )
    return any(session.row(each.limit(1)) is not None for each in used)


def _email(given: object) -> str | None:
    try:
        return msgspec.convert(given, Email).lower()
    except msgspec.ValidationError:
        return None


def _within(claims: Claims, name: str) -> object:
    """A claim by its name, or by a path such as `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found

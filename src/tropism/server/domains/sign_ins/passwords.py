"""Passwords of users: kept as sealed hashes, set by a link that somebody in charge made, or changed by their owner."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select

from tropism.server.clock import milliseconds
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access import charge
from tropism.server.domains.sign_ins import service
from tropism.server.errors import Conflict, Forbidden, NotFound
from tropism.server.identity.grants import IS_ACTIVE
from tropism.server.identity.secrets import Secrets, new_token
from tropism.server.tables.access import user
from tropism.server.tables.sign_ins import password, password_link
from tropism.wire import sign_ins as wire
from tropism.wire.access import UserReference

LINK_LASTS = timedelta(hours=72)
log = logging.getLogger("tropism")


@dataclass(frozen=True, slots=True)
class Kept:
    """An account and what is kept of its password, as long as both may be used."""

    user: Row[Any]
    sealed: bytes
    hash: str


def kept(session: Reading, email: str, secrets: Secrets) -> Kept | None:
    """The account of an active person who has a password."""
    found = select(user, password.c.sealed).join(password).where(user.c.email == email, IS_ACTIVE)
    row = session.row(found)
    try:
        return None if row is None else Kept(row, row.sealed, secrets.decrypt(row.sealed, place(row.id)))
    except ValueError as error:  # its owner is told nothing more than others: they get a new link
        log.warning("%s", error)
        return None


def is_still(session: Reading, known: Kept) -> bool:
    """Whether the account is what it was when its password was looked at."""
    row = session.row(select(password.c.sealed).join(user).where(user.c.id == known.user.id, IS_ACTIVE))
    return row is not None and row.sealed == known.sealed


def keep(transaction: Writing, user_id: UUID, hash: str, secrets: Secrets) -> None:
    """Store the hash of a password in place of what was there."""
    transaction.run(delete(password).where(password.c.user_id == user_id))
    transaction.run(insert(password).values(user_id=user_id, sealed=secrets.encrypt(hash, place(user_id))))


def make_link(transaction: Writing, request: UserReference, secrets: Secrets) -> wire.PasswordLink:
    """A link with which a person sets their password. The one before it counts no more."""
    row = charge.managed(transaction, request.user)
    if transaction.principal.is_narrowed:
        raise Forbidden("this key is narrowed, and whoever signs in is not; use one that is not")
    if transaction.principal.key_ends is not None:
        raise Forbidden("this key expires, and a password does not; use one that does not")
    if row.kind != "person" or row.deactivated_ms is not None:
        raise Conflict(f"{row.email} is no active person; only those sign in", param="user")
    token, ends = new_token(), transaction.now + LINK_LASTS
    transaction.run(delete(password_link).where(password_link.c.user_id == row.id))
    expires_ms = milliseconds(ends)
    link = {"user_id": row.id, "digest": secrets.digest(token), "expires_ms": expires_ms}
    transaction.run(insert(password_link).values(**link, made_by=transaction.principal.user_id))
    return wire.PasswordLink(token=token, path=f"/set-password#token={token}", expires_at=ends)


def linked(session: Reading, token: str, secrets: Secrets) -> Row[Any]:
    """Whose password the token of a link may set, as long as whoever made it is in charge of them."""
    digests = [secrets.digest(token), *secrets.older_digests(token)]
    counts = (
        password_link.c.digest.in_(digests),
        password_link.c.expires_ms > milliseconds(session.now),
        IS_ACTIVE,
    )
    row = session.row(select(user, password_link.c.made_by).join(password_link).where(*counts))
    if row is None or not _is_in_charge(session, row.made_by, row.id):
        raise NotFound("this link is unknown, used or too old; ask for a new one", param="token")
    return row


def _is_in_charge(session: Reading, maker: UUID | None, owner: UUID) -> bool:
    """The owner may have come to more since, by another team or by groups: the link would give it to its maker."""
    active = session.row(select(user.c.id).where(user.c.id == maker, IS_ACTIVE))
    return active is not None and (maker == owner or charge.is_managed(session, owner, by=maker))


def set_by_link(transaction: Writing, token: str, hash: str, secrets: Secrets) -> Row[Any]:
    """Set the password of whoever has the link; the link is used up, and who was signed in is not any more."""
    row = linked(transaction, token, secrets)
    keep(transaction, row.id, hash, secrets)
    transaction.run(delete(password_link).where(password_link.c.user_id == row.id))
    service.end_of(transaction, row.id)
    return row


def own(session: Reading, secrets: Secrets) -> Kept:
    """What is kept of the caller's own password."""
    me = session.row(select(user.c.email).where(user.c.id == session.principal.user_id))
    found = None if me is None else kept(session, me.email, secrets)
    if session.principal.is_narrowed:
        raise Forbidden("this key is narrowed, and a password is not; use one that is not")
    if found is None:
        raise Conflict("you have no password; somebody in charge of you can make a link that sets one")
    return found


def change(transaction: Writing, known: Kept, hash: str, secrets: Secrets) -> None:
    """Replace the caller's password; their other sign-ins end."""
    if not is_still(transaction, known):
        raise Conflict("the password was changed in the meantime")
    keep(transaction, known.user.id, hash, secrets)
    transaction.run(delete(password_link).where(password_link.c.user_id == known.user.id))
    service.end_of(transaction, known.user.id, but=transaction.principal.sign_in_id)


def place(user_id: UUID) -> str:
    """What a password's hash is sealed for."""
    return f"password:{user_id}:sealed"

"""Sign-ins: begun when somebody has shown who they are, listed, and ended by time, by their owner, or by a manager."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from tropism.server import audit
from tropism.server.audit import Call, Who
from tropism.server.clock import EPOCH, milliseconds, time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access import charge, users
from tropism.server.errors import NotFound
from tropism.server.identity.principal import SYSTEM
from tropism.server.identity.secrets import Secrets, new_token
from tropism.server.settings import Settings
from tropism.server.tables.access import user
from tropism.server.tables.sign_ins import password_link, sign_in
from tropism.server.web.browser import Visit
from tropism.wire import sign_ins as wire
from tropism.wire.access import User, UserReference
from tropism.wire.page import Nothing

FAILED = "sign_in_failed"


def begin(
    transaction: Writing, who: Row[Any], way: wire.Way, visit: Visit, call: Call, secrets: Secrets, settings: Settings
) -> tuple[wire.SignIn, str]:
    """A new sign-in of this user, and the token that the browser is to keep."""
    id, token, now = transaction.new_id(), new_token(), milliseconds(transaction.now)
    transaction.run(
        insert(sign_in).values(
            id=id,
            user_id=who.id,
            digest=secrets.digest(token),
            way=way,
            address=visit.address,
            agent=visit.agent,
            last_seen_ms=now,
            expires_ms=now + settings.sign_in_hours * 3_600_000,
        )
    )
    audit.enter(transaction, call, Who(who.id, who.email, None), {"email": who.email, "way": way})
    transaction.touch()
    row = transaction.row(_every().where(sign_in.c.id == id))
    assert row is not None
    return _shown(row, id), token


def note_failure(transaction: Writing, email: str, way: wire.Way, call: Call) -> None:
    """Enter in the audit log that somebody could not sign in; under the account's name, if there is such an account."""
    known = transaction.row(select(user.c.id).where(user.c.email == email))
    failed = Call(FAILED, call.path, call.address)
    who = Who(known.id if known is not None else SYSTEM.user_id, email, None)
    audit.enter(transaction, failed, who, {"email": email, "way": way})


def list_sign_ins(session: Reading, request: wire.SignInFilter) -> wire.SignIns:
    """The caller's own sign-ins, or those of a user whom the caller is in charge of."""
    owner = _owner(session, request)
    now = milliseconds(session.now)
    rows = session.rows(
        _every().where(sign_in.c.user_id == owner, sign_in.c.expires_ms > now).order_by(sign_in.c.id.desc())
    )
    return wire.SignIns(sign_ins=[_shown(row, session.principal.sign_in_id) for row in rows])


def end(transaction: Writing, request: wire.SignInReference) -> Nothing:
    """End one sign-in: calls with it are refused from the commit on."""
    row = transaction.row(select(sign_in).where(sign_in.c.id == request.sign_in))
    if row is None or (
        row.user_id != transaction.principal.user_id and not charge.is_managed(transaction, row.user_id)
    ):
        raise NotFound(f"no sign-in {request.sign_in}; sign_ins.list() shows yours", param="sign_in")
    transaction.run(delete(sign_in).where(sign_in.c.id == row.id))
    transaction.touch()
    return Nothing()


def end_all(transaction: Writing, request: wire.SignInFilter) -> wire.SignInsEnded:
    """End every sign-in of the caller, or of a user whom the caller is in charge of."""
    return wire.SignInsEnded(ended=end_of(transaction, _owner(transaction, request)))


def end_of(transaction: Writing, user_id: UUID, but: UUID | None = None) -> int:
    """End the sign-ins of a user, but for one."""
    mine = delete(sign_in).where(sign_in.c.user_id == user_id)
    ended = transaction.run(mine if but is None else mine.where(sign_in.c.id != but))
    transaction.touch()
    return ended


def sign_out(transaction: Writing, request: wire.SignOut) -> Nothing:
    """End the sign-in that makes this call, or all of its user."""
    me = transaction.principal
    if request.everywhere:
        end_of(transaction, me.user_id)
    else:
        transaction.run(delete(sign_in).where(sign_in.c.id == me.sign_in_id))
        transaction.touch()
    return Nothing()


def deactivate(transaction: Writing, request: UserReference) -> User:
    """Deactivate a user whom the caller is in charge of, and end what would let them in."""
    row = charge.managed(transaction, request.user)
    end_of(transaction, row.id)
    transaction.run(delete(password_link).where(password_link.c.user_id == row.id))
    return users.deactivate(transaction, row)


def note_uses(transaction: Writing, used: Mapping[UUID, float], notable_seconds: float) -> None:
    """Write down when sign-ins were last used, in seconds since 1970.

    Other processes learn of it when it makes a difference to when the sign-in ends.
    """
    for id, seconds in used.items():
        before = transaction.value(select(sign_in.c.last_seen_ms).where(sign_in.c.id == id))
        if before is None:
            continue
        transaction.run(update(sign_in).where(sign_in.c.id == id).values(last_seen_ms=int(seconds * 1000)))
        if seconds - before / 1000 >= notable_seconds:
            transaction.touch()


def forget_ended(transaction: Writing, idle_hours: int) -> None:
    """Remove sign-ins and links that have ended by themselves."""
    now = milliseconds(transaction.now)
    ended = (sign_in.c.expires_ms <= now) | (sign_in.c.last_seen_ms <= now - idle_hours * 3_600_000)
    if transaction.run(delete(sign_in).where(ended)):
        transaction.touch()
    transaction.run(delete(password_link).where(password_link.c.expires_ms <= now))


def _owner(session: Reading, request: wire.SignInFilter) -> UUID:
    id: UUID = session.principal.user_id if request.user is None else charge.managed(session, request.user).id
    return id


def _every() -> Any:
    return select(sign_in, user.c.email).join(user)


def _shown(row: Row[Any], current: UUID | None) -> wire.SignIn:
    return wire.SignIn(
        id=row.id,
        user=row.email,
        way=row.way,
        address=row.address,
        agent=row.agent,
        is_current=row.id == current,
        created_at=time_of(row.id),
        last_seen_at=EPOCH + timedelta(milliseconds=row.last_seen_ms),
        expires_at=EPOCH + timedelta(milliseconds=row.expires_ms),
    )

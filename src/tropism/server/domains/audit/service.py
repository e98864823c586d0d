"""Reading the audit log, and checking that it is what was written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, or_, select

from tropism.server import audit as log
from tropism.server.clock import EPOCH
from tropism.server.database.session import Reading
from tropism.server.references import as_id
from tropism.server.tables.access import membership
from tropism.server.tables.audit import audit
from tropism.wire import audit as wire
from tropism.wire.page import Nothing

AT_ONCE = 1_000


def list_entries(session: Reading, request: wire.AuditFilter) -> wire.AuditEntries:
    """A page of what the users of the caller's teams have changed, but for what they did for other teams."""
    wanted = select(audit).where(_by_team_mates(session)).order_by(audit.c.number.desc()).limit(request.limit)
    if request.user is not None:
        wanted = wanted.where(or_(audit.c.email == request.user.lower(), audit.c.user_id == as_id(request.user)))
    if request.action is not None:
        wanted = wanted.where(audit.c.action == request.action)
    if request.before is not None:
        wanted = wanted.where(audit.c.number < request.before)
    return wire.AuditEntries(entries=[_shown(row) for row in session.rows(wanted)])


def verify(session: Reading, _: Nothing) -> wire.AuditVerdict:
    """Compute the chain anew, a thousand entries at a time."""
    first, last, broken = None, None, None
    while broken is None and (rows := _after(session, last.number if last else 0)):
        for row in rows:
            first = first or row
            if not _follows(row, last):
                broken = row.number
                break
            last = row
    return wire.AuditVerdict(
        holds=broken is None,
        first=first.number if first else None,
        last=last.number if last else None,
        last_digest=last.digest.hex() if last else None,
        broken_at=broken,
    )


def _after(session: Reading, number: int) -> list[Row[Any]]:
    return list(session.rows(select(audit).where(audit.c.number > number).order_by(audit.c.number).limit(AT_ONCE)))


def _follows(row: Row[Any], before: Row[Any] | None) -> bool:
    """Of the oldest entry of a log that was shortened, nothing can be said: what it followed is gone."""
    if before is None and row.number > 1:
        return True
    # Entries from before there was a team had none in their digests.
    entry = {
        name: value for name, value in row._mapping.items() if name != "digest" and (name, value) != ("team_id", None)
    }
    number, digest = (before.number, before.digest) if before is not None else (0, b"")
    return bool(row.number == number + 1 and row.digest == log.digest(entry, digest))


def _by_team_mates(session: Reading) -> Any:
    mine = session.principal.grants
    mates = select(membership.c.user_id).where(membership.c.team_id.in_(mine))
    here = or_(audit.c.team_id.is_(None), audit.c.team_id.in_(mine))
    return or_(audit.c.user_id.in_(mates) & here, audit.c.user_id == session.principal.user_id)


def _shown(row: Row[Any]) -> wire.AuditEntry:
    return wire.AuditEntry(
        number=row.number,
        at=EPOCH + timedelta(milliseconds=row.at_ms),
        user=row.email,
        api_key=row.api_key,
        address=row.address,
        action=row.action,
        path=row.path,
        request=row.request,
        digest=row.digest.hex(),
    )

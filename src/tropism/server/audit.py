"""Writes the audit log: an entry in the very transaction that makes the change, so that there is both or neither.

Each entry's digest covers the entry and the digest before it. Whoever changes, removes or inserts one has to write
every later digest anew, and the last one is then no longer what somebody may have kept elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, insert, select

from tropism.server.clock import milliseconds
from tropism.server.database.session import Writing
from tropism.server.identity.principal import Principal
from tropism.server.tables.access import api_key, membership, user
from tropism.server.tables.audit import audit
from tropism.wire.values import is_secret

In = TypeVar("In")
T = TypeVar("T")
HIDDEN = "(secret)"
LONGEST_VALUE = 500
"""A prompt or a file would make the log as large as the database."""
_encode = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Call:
    """Which call it is that changes something."""

    action: str
    path: str
    address: str | None


def noted(call: Call, function: Callable[[Writing, In], T], transaction: Writing, request: In) -> T:
    """Carry out a change and enter it in the log."""
    answer = function(transaction, request)
    enter(transaction, call, _who(transaction, transaction.principal), without_secrets(request))
    return answer


def note(call: Call, principal: Principal, team: UUID, transaction: Writing, request: Any) -> None:
    """Enter in the caller's name what we do ourselves, because it outlives the call."""
    transaction.about(team)
    enter(transaction, call, _who(transaction, principal), without_secrets(request))


@dataclass(frozen=True, slots=True)
class Who:
    """In whose name something was done. Names as they are now: users and keys may be gone when somebody reads this."""

    user_id: UUID
    email: str
    api_key: str | None


SIGNED_IN = "signed in"
"""Stands in the place of a key's beginning where somebody was signed in."""


def enter(transaction: Writing, call: Call, who: Who, request: dict[str, Any]) -> None:
    """Enter in the log what was done."""
    last = transaction.row(select(audit.c.number, audit.c.digest).order_by(audit.c.number.desc()).limit(1))
    entry = {
        "number": last.number + 1 if last else 1,
        "at_ms": milliseconds(transaction.now),
        "user_id": who.user_id,
        "email": _as_kept(who.email),
        "api_key": who.api_key,
        "address": call.address,
        "action": call.action,
        "path": _as_kept(call.path),
        "request": request,
    }
    if (team := transaction.team or _home(transaction, who.user_id)) is not None:
        entry["team_id"] = team
    transaction.run(insert(audit).values(**entry, digest=digest(entry, last.digest if last else b"")))


def _home(transaction: Writing, user_id: UUID) -> UUID | None:
    """What is about no team is shown in the oldest of who did it; one that takes them in later sees none of it."""
    theirs = select(membership.c.team_id).where(membership.c.user_id == user_id)
    home: UUID | None = transaction.value(theirs.order_by(membership.c.team_id).limit(1))
    return home


def _as_kept(text: str) -> str:
    """What somebody has sent as PostgreSQL keeps it: the digest is of what can be read again."""
    return text.replace("\0", "\ufffd")


def digest(entry: dict[str, Any], before: bytes) -> bytes:
    """What the entry adds to the chain."""
    return hashlib.sha256(before + _encode(entry)).digest()


def without_secrets(request: Any) -> dict[str, Any]:
    """The request as it may be kept: secrets hidden, long values cut."""
    if not isinstance(request, msgspec.Struct):
        return {}
    fields = msgspec.structs.fields(type(request))
    given = {field.name: (field, getattr(request, field.name)) for field in fields}
    return {
        name: HIDDEN if is_secret(field.type) and value is not None else _short(value)
        for name, (field, value) in given.items()
        if value is not None
    }


def forget_before(transaction: Writing, days: float) -> None:
    """Remove what is older; the oldest entry that is left is then where the chain begins."""
    oldest = milliseconds(transaction.now - timedelta(days=days))
    last = transaction.value(select(func.max(audit.c.number)))
    transaction.run(delete(audit).where(audit.c.at_ms < oldest, audit.c.number < (last or 0)))


def _who(transaction: Writing, principal: Principal) -> Who:
    email = transaction.value(select(user.c.email).where(user.c.id == principal.user_id))
    prefix = transaction.value(select(api_key.c.prefix).where(api_key.c.id == principal.key_id))
    return Who(principal.user_id, email or str(principal.user_id), SIGNED_IN if principal.sign_in_id else prefix)


def _short(value: Any) -> Any:
    plain = msgspec.to_builtins(value)
    text = msgspec.json.encode(plain)
    return plain if len(text) <= LONGEST_VALUE else f"({len(text)} bytes)"

"""Api keys: made and shown once, narrowed, listed by their beginning and last use, revoked at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from tropism.server.clock import EPOCH, milliseconds, time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access import charge, users
from tropism.server.errors import Forbidden, InvalidRequest, NotFound
from tropism.server.identity.grants import seen_by
from tropism.server.identity.secrets import Secrets, new_api_key
from tropism.server.references import refers
from tropism.server.tables import access
from tropism.server.tables.use_cases import use_case
from tropism.wire import access as wire
from tropism.wire.page import Nothing

api_key, user = access.api_key, access.user
LATEST = datetime.max.replace(tzinfo=UTC)
"""What is given with another offset may lie after it."""
SHOWN = 8
"""So many characters of a key tell it from others; it has far more."""


def create(transaction: Writing, request: wire.ApiKeyCreate, secrets: Secrets) -> wire.NewApiKey:
    """A key for the caller or for a service account. It is kept as a hash: nobody can read it again."""
    owner = _owner(transaction, request.user)
    key, id = new_api_key(), transaction.new_id()
    if transaction.principal.is_narrowed:
        raise Forbidden("this key is narrowed, and what it made would not be; use one that is not")
    if request.expires_at is not None and request.expires_at <= transaction.now:
        raise InvalidRequest("`expires_at` is in the past", param="expires_at")
    if request.expires_at is not None and milliseconds(request.expires_at) > milliseconds(LATEST):
        raise InvalidRequest("`expires_at` is too far away; leave it out for a key that stays", param="expires_at")
    _refuse_longer(transaction, request)
    use_cases = None if request.use_cases is None else [_use_case(transaction, each) for each in request.use_cases]
    expires_ms = None if request.expires_at is None else milliseconds(request.expires_at)
    transaction.run(
        insert(api_key).values(
            id=id,
            user_id=owner.id,
            name=request.name,
            prefix=key[:SHOWN],
            digest=secrets.digest(key),
            pepper=secrets.fingerprint,
            use_cases=use_cases,
            permissions=None if request.permissions is None else sorted(set(request.permissions)),
            expires_ms=expires_ms,
        )
    )
    transaction.touch()
    row = transaction.row(_keys().where(api_key.c.id == id))
    assert row is not None
    shown = _shown(row, _use_case_keys(transaction))
    return wire.NewApiKey(**{name: getattr(shown, name) for name in shown.__struct_fields__}, key=key)


def list_keys(session: Reading, request: wire.ApiKeyFilter) -> wire.ApiKeys:
    """The caller's own keys, or those of a user whom the caller is in charge of."""
    owner = session.principal.user_id if request.user is None else charge.managed(session, request.user).id
    rows = session.rows(_keys().where(api_key.c.user_id == owner).order_by(api_key.c.id))
    names = _use_case_keys(session)
    return wire.ApiKeys(api_keys=[_shown(row, names) for row in rows])


def revoke(transaction: Writing, request: wire.ApiKeyReference) -> Nothing:
    """End a key: calls with it are refused from the commit on."""
    row = transaction.row(_keys().where(api_key.c.id == request.api_key))
    if row is None or (
        row.user_id != transaction.principal.user_id and not charge.is_managed(transaction, row.user_id)
    ):
        raise NotFound(f"no api key {request.api_key}; api_keys.list() shows yours", param="api_key")
    transaction.run(delete(api_key).where(api_key.c.id == row.id))
    transaction.touch()
    return Nothing()


def note_uses(transaction: Writing, used: Mapping[UUID, float]) -> None:
    """Write down when keys were last used, in seconds since 1970."""
    for id, seconds in used.items():
        transaction.run(update(api_key).where(api_key.c.id == id).values(last_used_ms=int(seconds * 1000)))


def _owner(session: Reading, reference: str | None) -> Row[Any]:
    """Whom a new key is for. A key for another person would be a way to act in their name."""
    me = session.principal.user_id
    row = session.row(select(user).where(user.c.id == me)) if reference is None else users.find(session, reference)
    assert row is not None, "a principal is made from a user's row"
    if row.id == me:
        return row
    if row.kind != "service":
        raise Forbidden(f"{row.email} is a person, and makes their own keys; you can make some for service accounts")
    return charge.managed(session, reference or "")


def _refuse_longer(transaction: Writing, request: wire.ApiKeyCreate) -> None:
    """Who found a key that expires does not make themselves one that does not."""
    ends = transaction.principal.key_ends
    a_bit = timedelta(milliseconds=1)  # finer than that, nothing is stored
    if ends is not None and (request.expires_at is None or request.expires_at >= ends + a_bit):
        raise Forbidden(
            f"this key expires, and what it made would last longer; give `expires_at`, at most {ends.isoformat()}",
            param="expires_at",
        )


def _use_case(session: Reading, reference: str) -> str:
    row = session.row(select(use_case.c.id).where(refers(use_case, reference), seen_by(session.principal)))
    if row is None:
        raise NotFound(f"no use case {reference!r}; use_cases.list() shows yours", param="use_cases")
    return str(row.id)


def _keys() -> Any:
    return select(api_key, user.c.email).join(user)


def _use_case_keys(session: Reading) -> Mapping[str, str]:
    return {str(row.id): row.key for row in session.rows(select(use_case.c.id, use_case.c.key))}


def _shown(row: Row[Any], names: Mapping[str, str]) -> wire.ApiKey:
    return wire.ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        user=row.email,
        use_cases=None if row.use_cases is None else [names.get(each, each) for each in row.use_cases],
        permissions=row.permissions,
        created_at=time_of(row.id),
        expires_at=_time(row.expires_ms),
        last_used_at=_time(row.last_used_ms),
    )


def _time(ms: int | None) -> Any:
    return None if ms is None else EPOCH + timedelta(milliseconds=ms)

"""Changing the master key: what still depends on which one, and bringing it over to the newest."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.identity.secrets import Secrets, fingerprint_of
from tropism.server.tables.access import api_key
from tropism.server.tables.jobs import job
from tropism.server.tables.models import model
from tropism.server.tables.sign_ins import password

log = logging.getLogger("tropism")


@dataclass(frozen=True, slots=True)
class Dependents:
    """What cannot be used without one master key: so many secrets, and the api keys that begin so."""

    secrets: int
    api_keys: list[str]


SEALED = (
    (model, model.c.id, model.c.secret),
    (job, job.c.id, job.c.secret),
    (password, password.c.user_id, password.c.sealed),
)
"""Every column that holds something sealed, with the one that names its row."""


def reseal(transaction: Writing, secrets: Secrets) -> None:
    """Seal anew what is sealed with another key than the newest. At start, in one transaction."""
    for table, id, column in SEALED:
        for row in transaction.rows(select(id.label("id"), column.label("sealed")).where(column.is_not(None))):
            anew = _sealed_anew(secrets, row.sealed, f"{table.name}:{row.id}:{column.name}")
            if anew is not None:
                transaction.run(update(table).where(id == row.id).values({column: anew}))
    # Before there were several keys there was one, and new ones are put in front of it.
    transaction.run(update(api_key).where(api_key.c.pepper.is_(None)).values(pepper=secrets.fingerprints[-1]))


def _sealed_anew(secrets: Secrets, sealed: bytes, place: str) -> bytes | None:
    """The same under the newest key; None if it is, or if it cannot be opened."""
    if fingerprint_of(sealed) == secrets.fingerprint:
        return None
    try:
        return secrets.encrypt(secrets.decrypt(sealed, place), place)
    except ValueError as error:  # whoever needs it is told, too, when they ask; the others shall work
        log.warning("%s", error)
        return None


def knows_no_api_key(session: Reading, secrets: Secrets) -> bool:
    """Whether there are api keys, and all of them were hashed with master keys that are not here."""
    hashed = {row.pepper for row in session.rows(select(api_key.c.pepper).distinct())}
    return bool(hashed) and hashed.isdisjoint(secrets.fingerprints)


def rehash(transaction: Writing, digests: Mapping[UUID, bytes], pepper: bytes) -> None:
    """Keep api keys that were used as hashes under the newest key; their owners notice nothing."""
    for id, digest in digests.items():
        transaction.run(update(api_key).where(api_key.c.id == id).values(digest=digest, pepper=pepper))
    transaction.touch()


def dependents(session: Reading, secrets: Secrets) -> dict[bytes, Dependents]:
    """What depends on each master key, newest first; what does not say on which is ascribed to the oldest."""
    oldest = secrets.fingerprints[-1]
    sealed = [each[0] for _, _, column in SEALED for each in session.rows(select(column).where(column.is_not(None)))]
    counted = Counter(fingerprint_of(each) or oldest for each in sealed)
    hashed: dict[bytes, list[str]] = {}
    for row in session.rows(select(api_key.c.prefix, api_key.c.pepper).order_by(api_key.c.id)):
        hashed.setdefault(row.pepper or oldest, []).append(row.prefix)
    known = list(dict.fromkeys([*secrets.fingerprints, *counted, *hashed]))
    return {each: Dependents(counted[each], hashed.get(each, [])) for each in known}

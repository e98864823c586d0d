"""Changing the master key: what still depends on which one, and bringing it over to the newest."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.secrets import Secrets, fingerprint_of
from tropism.server.tables.access import api_key
from tropism.server.tables.models import model

log = logging.getLogger("tropism")


@dataclass(frozen=True, slots=True)
class Dependents:
    """What cannot be used without one master key: so many secrets, and the api keys that begin so."""

    secrets: int
    api_keys: list[str]


def reseal(transaction: Writing, secrets: Secrets) -> None:
    """Seal anew what is sealed with another key than the newest. At start, in one transaction."""
    for row in transaction.rows(select(model.c.id, model.c.secret).where(model.c.secret.is_not(None))):
        if fingerprint_of(row.secret) == secrets.fingerprint:
            continue
        place = f"model:{row.id}:secret"
        try:
            sealed = secrets.encrypt(secrets.decrypt(row.secret, place), place)
        except ValueError as error:  # the model says so, too, when it is asked for; the others shall work
            log.warning("%s", error)
        else:
            transaction.run(update(model).where(model.c.id == row.id).values(secret=sealed))
    # Before there were several keys there was one, and new ones are put in front of it.
    transaction.run(update(api_key).where(api_key.c.pepper.is_(None)).values(pepper=secrets.fingerprints[-1]))


def rehash(transaction: Writing, digests: Mapping[UUID, bytes], pepper: bytes) -> None:
    """Keep api keys that were used as hashes under the newest key; their owners notice nothing."""
    for id, digest in digests.items():
        transaction.run(update(api_key).where(api_key.c.id == id).values(digest=digest, pepper=pepper))
    transaction.touch()


def dependents(session: Reading, secrets: Secrets) -> dict[bytes, Dependents]:
    """What depends on each master key, newest first; what does not say on which is ascribed to the oldest."""
    oldest = secrets.fingerprints[-1]
    sealed = session.rows(select(model.c.secret).where(model.c.secret.is_not(None)))
    counted = Counter(fingerprint_of(row.secret) or oldest for row in sealed)
    hashed: dict[bytes, list[str]] = {}
    for row in session.rows(select(api_key.c.prefix, api_key.c.pepper).order_by(api_key.c.id)):
        hashed.setdefault(row.pepper or oldest, []).append(row.prefix)
    known = list(dict.fromkeys([*secrets.fingerprints, *counted, *hashed]))
    return {each: Dependents(counted[each], hashed.get(each, [])) for each in known}

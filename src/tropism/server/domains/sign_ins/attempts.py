"""How often somebody may try a password: few times for one account from one address, more often for each alone.

What is counted stands in the database, so that all processes count together and a restart forgets nothing. Who has
tried too often is refused after a look at it: a flood of guesses is no flood of writes. Every account that is named is
counted, whether it is there or not, so that the answer tells nobody.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, select

from tropism.server.clock import first_id_at, milliseconds, time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.errors import TooManyCalls
from tropism.server.tables.sign_ins import sign_in_attempt

WITHIN = timedelta(minutes=15)
PER_ACCOUNT_AND_ADDRESS = 10
PER_ADDRESS = 30
PER_ACCOUNT = 100
"""From everywhere together: many machines that guess one password. Its owner waits with them."""
NETWORK_BITS = 64
"""Whoever has one IPv6 address has all of this network."""
tried = sign_in_attempt.c


NOBODY = ""
"""The account of an attempt that names none: it counts for its address alone."""


def check(session: Reading, account: str, address: str | None) -> None:
    """Raise `TooManyCalls` if there were too many attempts."""
    waits = [_wait(session, those, limit) for those, limit in _limits(account, _place(address))]
    if (seconds := max(waits)) > 0:
        minutes = math.ceil(seconds / 60)
        again = f"in {minutes} minutes" if minutes > 1 else "in a minute"
        raise TooManyCalls(f"too many attempts to sign in; try again {again}", retry_after=math.ceil(seconds))


def take(transaction: Writing, account: str, address: str | None) -> UUID:
    """Count an attempt, before it is known whether it is right. What is refused is not counted."""
    check(transaction, account, address)
    id = transaction.new_id()
    transaction.run(insert(sign_in_attempt).values(id=id, account=account, address=_place(address)))
    return id


def succeeded(transaction: Writing, id: UUID, account: str, address: str | None) -> None:
    """The attempt was right: it does not count, and neither do the mistypings of this account from there before it.

    They still count for the address: else one account of one's own would let somebody guess those of others for ever.
    """
    place = _place(address)
    transaction.run(delete(sign_in_attempt).where(tried.id == id))
    mistyped = tried.account == account, tried.address == place
    transaction.run(sign_in_attempt.update().where(*mistyped).values(account=NOBODY))


def forget_old(transaction: Writing) -> None:
    """Remove what counts no more."""
    transaction.run(delete(sign_in_attempt).where(tried.id < _since(transaction)))


def _limits(account: str, place: str) -> Sequence[tuple[ColumnElement[bool], int]]:
    by_address = (tried.address == place, PER_ADDRESS)
    if account == NOBODY:
        return (by_address,)
    return (
        ((tried.account == account) & (tried.address == place), PER_ACCOUNT_AND_ADDRESS),
        by_address,
        (tried.account == account, PER_ACCOUNT),
    )


def _wait(session: Reading, those: ColumnElement[bool], limit: int) -> float:
    """For how many seconds one more would be too many."""
    latest = select(tried.id).where(those, tried.id >= _since(session)).order_by(tried.id.desc()).limit(limit)
    ids = [row.id for row in session.rows(latest)]
    return (time_of(ids[-1]) + WITHIN - session.now).total_seconds() if len(ids) == limit else 0.0


def _since(session: Reading) -> UUID:
    return first_id_at(milliseconds(session.now - WITHIN))


def _place(address: str | None) -> str:
    """What is counted as one address."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, NETWORK_BITS), strict=False))

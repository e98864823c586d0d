"""What tests keep of units that were deleted from the log: their sums, under an id that is nobody's.

The figures of a running test are sums over units. Taking a contribution out after it was seen would let deletions sway
a decision, so it stays, and names nobody any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select, update

from tropism.server.database.session import Writing
from tropism.server.domains.interactions import forgetting
from tropism.server.tables.ab_tests import ab_test, ab_unit


def anonymise(transaction: Writing, units: Iterable[tuple[UUID, UUID]]) -> None:
    """Give units, by test, another id, unless the log still holds some of their interactions."""
    for test_id, unit in set(units):
        if not forgetting.has_more(transaction, test_id, unit):
            same = (ab_unit.c.ab_test_id == test_id, ab_unit.c.unit_id == unit)
            transaction.run(update(ab_unit).where(*same).values(unit_id=transaction.new_id()))


def anonymise_user(transaction: Writing, use_case_id: UUID, user: UUID) -> None:
    """The same for a user in all tests of a use case, also in those where they only compared."""
    tests = transaction.rows(select(ab_test.c.id).where(ab_test.c.use_case_id == use_case_id))
    anonymise(transaction, [(test.id, user) for test in tests])

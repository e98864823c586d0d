"""Time and ids, in one place that tests can replace."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The machine's clock. Ids are UUIDv7: they sort by the time that made them."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment, never set back."""
        return time.monotonic()

    def new_id(self, at: datetime | None = None) -> UUID:
        """A new id, of this moment or of a moment `at` in the past."""
        if at is None:
            return uuid7()
        return UUID(int=milliseconds(at) << 80 | uuid7().int & ((1 << 80) - 1))


def milliseconds(moment: datetime) -> int:
    """Since 1970, as the tables keep times that are no ids."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def time_of(id: UUID) -> datetime:
    """When an id was made, to the millisecond."""
    return EPOCH + timedelta(milliseconds=id.int >> 80)


def first_id_at(milliseconds: int) -> UUID:
    """The smallest id of a moment, in milliseconds since 1970: times compare as ids do."""
    return UUID(int=max(0, min(milliseconds, 2**48 - 1)) << 80)

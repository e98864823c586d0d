"""What a service may do with the database: read, or read and write. The type says which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Executable, Row, update

from tropism.server.clock import Clock
from tropism.server.database.prepared import Prepared, Values
from tropism.server.identity.principal import Principal
from tropism.server.tables.snapshot import snapshot_version


class Reading:
    """One transaction that reads, on behalf of `principal`."""

    def __init__(self, connection: Connection, principal: Principal, clock: Clock) -> None:
        self.connection, self.principal, self.clock = connection, principal, clock
        self.now = clock.now()
        self.team: UUID | None = None
        """Whose things this is about, as far as that was looked at: the first team, if there are several."""

    def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        return self.connection.execute(statement).all()

    def row(self, statement: Executable) -> Row[Any] | None:
        return self.connection.execute(statement).first()

    def about(self, team: UUID) -> None:
        """Say that this is about something of a team; the audit log shows it to that team alone."""
        self.team = self.team or team

    def sees(self, team: UUID, use_case: UUID | None) -> bool:
        """Whether what is a team's is there for the caller. If so, this is about it."""
        if not self.principal.sees(team, use_case):
            return False
        self.about(team)
        return True

    def value(self, statement: Executable) -> Any:
        """The first column of the first row, or None."""
        return self.connection.execute(statement).scalar()


class Writing(Reading):
    """One transaction that writes. It commits when the service returns and leaves nothing behind when it raises."""

    def __init__(self, connection: Connection, principal: Principal, clock: Clock) -> None:
        super().__init__(connection, principal, clock)
        self.changed = False

    def run(self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None) -> int:
        """Execute, once or for each of `rows`; return how many rows were touched."""
        return self.connection.execute(statement, rows).rowcount

    def put(self, insert: Prepared, rows: Sequence[Values]) -> None:
        """Insert rows, if there are any."""
        if rows:
            insert.run(self.connection, rows)

    def new_id(self) -> UUID:
        return self.clock.new_id()

    def touch(self) -> None:
        """Say that the snapshot of the hot path is out of date; it is replaced with the commit, here and elsewhere."""
        if not self.changed:
            self.run(update(snapshot_version).values(number=snapshot_version.c.number + 1))
        self.changed = True

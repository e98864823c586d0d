"""Write the log to standard output as JSON lines: a process of its own, run as a module."""

from __future__ import annotations

import sys
from uuid import UUID

import msgspec

from tropism.server.clock import Clock
from tropism.server.database.engines import only_reading
from tropism.server.database.session import Reading
from tropism.server.domains.interactions import walk
from tropism.server.identity.principal import SYSTEM
from tropism.server.processes.low_priority import asked
from tropism.wire.interactions import InteractionFilter


class ExportRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Which interactions to write."""

    database: str
    use_case_id: UUID
    filters: InteractionFilter


def main() -> None:
    """Do what we are asked on standard input. A transaction lasts for a page: the reader may take its time."""
    request, encode = asked(ExportRequest), msgspec.json.Encoder().encode
    connection = only_reading(request.database).connect()

    def begin() -> Reading:
        connection.rollback()
        return Reading(connection, SYSTEM, Clock())

    for page in walk.pages(begin, request.use_case_id, request.filters):
        sys.stdout.buffer.writelines(encode(found) + b"\n" for found in page)
        sys.stdout.buffer.flush()
    connection.close()


if __name__ == "__main__":
    main()

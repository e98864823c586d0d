"""PostgreSQL: as many processes as there are, whose writes still run one after another (docs/decisions/0034)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from tropism.server.database.upgrades import NAME, newest_revision

if TYPE_CHECKING:
    from psycopg import Connection as Driver
    from psycopg import Cursor

TURN = 7_473_617_013
"""The advisory lock that a transaction holds while it writes."""
CONNECT_SECONDS = 10
NUL, IN_ITS_PLACE = "\0", "\ufffd"
"""The one character that PostgreSQL keeps in no text, and what stands for it."""


def engines(url: URL, readers: int) -> tuple[Engine, Engine]:
    """Connections that write, and a pool of `readers` that only read."""
    driver = url.set(drivername="postgresql+psycopg")
    name = f"{NAME} {newest_revision()}"  # by which a later release sees who is still there
    # A reply may not come before the disk has it, whatever the server's default is.
    options: dict[str, bool] = {"pool_pre_ping": True, "hide_parameters": True}  # an error is logged, a prompt is not
    write = create_engine(driver, **options, connect_args=_options(name, "synchronous_commit=on"))
    event.listen(write, "begin", _wait_for_the_turn)
    event.listen(write, "do_executemany", _copy_in)
    # What one reader sees belongs together, whatever is written in the meantime.
    read = create_engine(
        driver,
        pool_size=readers,
        **options,
        isolation_level="REPEATABLE READ",
        connect_args=_options(f"{name} reads", "default_transaction_read_only=on"),
    )
    for each in (write, read):
        event.listen(each, "connect", _replace_nul)
        event.listen(each, "connect", _read_numbers)
    return write, read


def _copy_in(cursor: Cursor[Any], statement: str, rows: Iterable[Sequence[Any]], _: object) -> bool:
    """Hand over the rows of a `COPY`, in the place of the driver, which knows no rows of one; else leave all to it."""
    is_copy = statement.startswith("COPY")
    if is_copy:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    return is_copy


def _replace_nul(driver: Driver, _: object) -> None:
    """Whoever sends one, a caller or a model, is answered; it would be an error on our side else."""
    from psycopg.types.string import StrDumper

    class WithoutNul(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace(NUL, IN_ITS_PLACE))

    driver.adapters.register_dumper(str, WithoutNul)


def _read_numbers(driver: Driver, _: object) -> None:
    """Sums of whole numbers are whole numbers, as on SQLite, and not decimals, which JSON would have as text."""
    from psycopg.adapt import Loader

    class Number(Loader):
        def load(self, data: Any) -> int | float:
            text = bytes(data).decode()
            return int(text) if text.removeprefix("-").isdigit() else float(text)

    driver.adapters.register_loader("numeric", Number)


def _options(name: str, setting: str) -> dict[str, object]:
    return {"application_name": name, "connect_timeout": CONNECT_SECONDS, "options": f"-c {setting}"}


def _wait_for_the_turn(connection: Connection) -> None:
    """The lock ends with the transaction, so also with a process that dies in it."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TURN})")

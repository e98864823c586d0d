"""Statements that go to the driver fail as those do that go through SQLAlchemy, and show no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from tropism.server.database import driver
from tropism.server.database.engines import engines
from tropism.server.database.failures import is_away
from tropism.testing.database import database_of

PLANTED = "PLANTED-prompt-0123456789"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    write, read = engines(database_of(tmp_path))
    with write.connect() as opened:
        opened.execute(text("create table said (what varchar(100) primary key)"))
        opened.commit()
        opened.begin()
        yield opened
    write.dispose()
    read.dispose()


def insert(connection: Connection) -> str:
    """As the database's own driver wants it."""
    return "insert into said values (?)" if connection.dialect.name == "sqlite" else "insert into said values (%s)"


def test_a_row_that_is_there_already_is_an_integrity_error(connection: Connection) -> None:
    sql = insert(connection)
    driver.execute_many(connection, sql, [("once",), (PLANTED,)])
    with pytest.raises(IntegrityError) as raised:
        driver.execute_many(connection, sql, [("twice",), (PLANTED,)])
    assert sql in str(raised.value)
    assert "twice" not in str(raised.value)


def test_after_an_error_a_savepoint_is_gone_back_to(connection: Connection) -> None:
    sql = insert(connection)
    driver.execute_many(connection, sql, [("kept",)])
    driver.execute(connection, "SAVEPOINT one")
    with pytest.raises(DBAPIError):
        driver.execute_many(connection, sql, [("lost",), ("kept",)])
    driver.execute(connection, "ROLLBACK TO SAVEPOINT one")
    connection.commit()
    assert connection.execute(text("select what from said")).scalars().all() == ["kept"]


def test_a_connection_that_was_lost_is_not_used_again(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        pytest.skip("a file does not go away like that")
    lost = connection.execute(text("select pg_backend_pid()")).scalar()
    underneath = connection.connection.dbapi_connection
    assert underneath is not None
    with pytest.raises(connection.dialect.loaded_dbapi.Error):  # without SQLAlchemy, which would hear of it
        underneath.cursor().execute("select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(OperationalError) as raised:
        driver.execute_many(connection, insert(connection), [("never",)])
    assert connection.invalidated
    assert is_away(raised.value)
    connection.rollback()
    assert connection.execute(text("select pg_backend_pid()")).scalar() != lost

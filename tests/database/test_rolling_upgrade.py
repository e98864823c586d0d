"""Engines of the release before go on while the next one upgrades: on its schema, unless that is marked breaking."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text
from tests.database import next_release
from tests.database.additive import shape, taken
from tests.e2e.process import Served

from tropism import Tropism
from tropism.cli import call
from tropism.server.database.engines import engines
from tropism.server.database.migrate import migrate, pending
from tropism.server.database.upgrades import (
    REVISIONS,
    NewerSchema,
    OlderEngines,
    config,
    newest_revision,
)
from tropism.testing import run_server
from tropism.testing.database import POSTGRES, database_of

HELLO = [{"role": "user", "content": "Hello"}]
FIRST_WITH_A_MARK = "0027"
LATEST = sorted(file.name[:4] for file in (REVISIONS / "versions").glob("0*.py"))
MARKED = [each for each in LATEST if each >= FIRST_WITH_A_MARK]
CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
BREAKING = 'op.drop_column("use_case", "name")\n'


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Connections to a database with nothing in it."""
    write, read = engines(database_of(tmp_path))
    yield write
    for each in (write, read):
        each.dispose()


def upgrade_of(url: str, folder: Path) -> None:
    """What the first engine of the next release does."""
    write, read = engines(url)
    try:
        migrate(write, folder)
    finally:
        write.dispose()
        read.dispose()


def use(client: Tropism, use_case: str) -> None:
    """What engines are for: settings, answers, the log, feedback, an A/B test, an export."""
    client.use_cases.create(use_case)
    client.models.attach("one", make_default=True, wait=True, use_case=use_case)
    client.models.attach("two", wait=True, use_case=use_case)
    client.feedback.register_key(f"{use_case}-good", kind="bool")
    client.feedback.link(f"{use_case}-good", use_case=use_case)
    client.ab_tests.create(f"{use_case}-test", f"{use_case}-good", ["one", "two"], use_case=use_case)


def ask(client: Tropism, use_case: str) -> None:
    choice = client.chat.create(HELLO, use_case=use_case, ab_campaign=f"{use_case}-test").choices[0]
    client.feedback.log_metric(True, choice.completion_id, f"{use_case}-good")
    client.interactions.create("Logged", prompt="Hello", use_case=use_case)
    assert client.interactions.get(choice.completion_id, use_case=use_case).direct_feedbacks[0].value == 1


def test_an_engine_goes_on_and_starts_again_on_the_schema_of_the_next_release(tmp_path: Path) -> None:
    data, next_one = tmp_path / "data", next_release.revisions(tmp_path / "revisions")
    with (
        run_server(echo_models=["one", "two"], data=data) as server,
        Tropism(server.base_url, server.api_key) as client,
    ):
        use(client, "before")
        ask(client, "before")
        upgrade_of(server.database, next_one)
        ask(client, "before")
        use(client, "meanwhile")
        ask(client, "meanwhile")
    with (
        run_server(echo_models=["one", "two"], data=data) as server,
        Tropism(server.base_url, server.api_key) as client,
    ):
        ask(client, "before")
        use(client, "after")
        ask(client, "after")
        assert client.ab_tests.get("before-test").report.feedbacks == 3
        assert client.interactions.list(use_case="before").total_count == 6
        assert client.audit.verify().holds
    assert _read(server.database, "SELECT DISTINCT weight FROM feedback") == [1]
    assert _read(server.database, "SELECT version_num FROM alembic_version") == [next_release.REVISION]
    assert not list(data.glob(f"*.{next_release.REVISION}.*.backup")), "an older engine has nothing to copy"


def _read(url: str, statement: str) -> list[Any]:
    write, read = engines(url)
    with read.connect() as connection:
        found = list(connection.execute(text(statement)).scalars())
    write.dispose()
    read.dispose()
    return found


def test_an_engine_refuses_a_schema_that_a_breaking_revision_made(tmp_path: Path) -> None:
    upgrade_of(database_of(tmp_path), next_release.revisions(tmp_path / "revisions", BREAKING, is_breaking=True))
    served = Served(tmp_path, "--port", "0", "--database", database_of(tmp_path))
    assert served.ended() == 1
    said = " ".join(" ".join(served.errors).split())
    assert f"the database is at schema 'next', which engines of schema '{newest_revision()}'" in said
    assert "upgrade tropism here, too" in said


def test_a_worker_refuses_it_too(tmp_path: Path) -> None:
    upgrade_of(database_of(tmp_path), next_release.revisions(tmp_path / "revisions", BREAKING, is_breaking=True))
    (tmp_path / "secret.key").write_text("a key")
    command = [sys.executable, "-c", "from tropism.cli import main; main()", "worker", "--data", str(tmp_path)]
    ran = subprocess.run([*command, "--database", database_of(tmp_path)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert ran.stderr.startswith("tropism worker: the database is at schema 'next'")


def test_a_breaking_revision_before_the_last_one_counts(engine: Engine, tmp_path: Path) -> None:
    folder = next_release.revisions(tmp_path / "revisions", BREAKING, is_breaking=True)
    (folder / "versions" / "last.py").write_text(
        'revision = "last"\ndown_revision = "next"\nis_breaking = False\n\n\ndef upgrade() -> None:\n    pass\n'
    )
    migrate(engine, folder)
    with pytest.raises(NewerSchema, match="'last'.*upgrade tropism"):
        migrate(engine)


def test_a_lost_row_lets_nobody_older_go_on(engine: Engine, tmp_path: Path) -> None:
    migrate(engine, next_release.revisions(tmp_path / "revisions"))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM oldest_engine"))
    with pytest.raises(NewerSchema):
        migrate(engine)


def test_an_engine_of_the_release_before_holds_up_a_breaking_upgrade(tmp_path: Path) -> None:
    if POSTGRES not in os.environ:
        pytest.skip("one engine works on a SQLite file")
    folder = next_release.revisions(tmp_path / "revisions", BREAKING, is_breaking=True)
    with run_server(echo_models=["one", "two"], data=tmp_path / "data") as server:
        with pytest.raises(OlderEngines, match="stop them all"):
            upgrade_of(server.database, folder)
        with Tropism(server.base_url, server.api_key) as client:
            client.use_cases.create("goes-on", name="A name")
            assert client.use_cases.get("goes-on").name == "A name"
    for _ in range(400):  # PostgreSQL takes a moment to see that a process has ended
        if _read(server.database, CONNECTED) == [1]:
            break
        time.sleep(0.05)
    upgrade_of(server.database, folder)


def test_migrating_says_what_it_means_before_it_does_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    url = database_of(tmp_path)
    options = ["database", "migrate", "--data", str(tmp_path), "--database", url]
    write, read = engines(url)
    with write.begin() as connection:
        command.upgrade(config(connection, REVISIONS), "0025")
    assert call([*options, "--dry-run"]) == 0
    assert "cannot go on: stop them first" in " ".join(capfd.readouterr().err.split())
    assert pending(write).current == "0025"
    assert call(options) == 0
    assert pending(write).current == newest_revision()
    write.dispose()
    read.dispose()


@pytest.mark.sqlite
def test_a_file_is_not_migrated_under_its_engine(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with run_server(data=tmp_path / "data") as server:
        with sqlite3.connect(tmp_path / "data" / "tropism.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = '0025'")
        options = ["--data", str(server.data), "--database", server.database]
        assert call(["database", "migrate", *options]) == 1
        assert "another engine" in capfd.readouterr().err


@pytest.mark.parametrize("revision", MARKED)
def test_a_revision_is_additive_unless_it_says_that_it_is_breaking(engine: Engine, revision: str) -> None:
    """And it says so or not: what says nothing is breaking."""
    with engine.begin() as connection:
        command.upgrade(config(connection, REVISIONS), LATEST[LATEST.index(revision) - 1])
    before = shape(engine)
    with engine.begin() as connection:
        command.upgrade(config(connection, REVISIONS), revision)
    file = next((REVISIONS / "versions").glob(f"{revision}_*.py")).read_text()
    assert ("is_breaking = True" in file) != ("is_breaking = False" in file)
    if "is_breaking = False" in file:
        assert taken(before, shape(engine)) == []


TAKEN = {
    'op.drop_table("replay")': "table replay is gone",
    'op.drop_column("use_case", "name")': "column use_case.name is gone",
    'op.alter_column("use_case", "name", new_column_name="title")': "column use_case.name is gone",
    'op.add_column("use_case", sa.Column("a", sa.String(), nullable=False))': "use_case.a must be given a value",
    'batch.alter_column("name", type_=sa.String(3))': "column use_case.name is VARCHAR(3)",
    'batch.alter_column("description", nullable=False)': "column use_case.description must be given a value",
    'op.create_index("ix_a", "use_case", ["name"], unique=True)': "use_case has something new in unique",
    'batch.create_check_constraint("short", "length(name) < 9")': "use_case has something new in checks",
    'op.create_table("a", sa.Column("b", sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql"), '
    'sa.ForeignKey("use_case.id"), primary_key=True))': "rows of use_case cannot be deleted for a",
}


@pytest.mark.parametrize("change", TAKEN)
def test_what_older_engines_would_miss_is_seen(engine: Engine, tmp_path: Path, change: str) -> None:
    migrate(engine)
    before = shape(engine)
    in_batch = 'with op.batch_alter_table("use_case") as batch:\n    '
    migrate(engine, next_release.revisions(tmp_path / "r", (in_batch if change.startswith("batch") else "") + change))
    assert any(TAKEN[change] in each for each in taken(before, shape(engine)))


def test_what_is_only_added_takes_nothing(engine: Engine, tmp_path: Path) -> None:
    migrate(engine)
    before = shape(engine)
    migrate(engine, next_release.revisions(tmp_path / "revisions"))
    assert set(inspect(engine).get_table_names()) - set(before) == {"mood"}
    assert taken(before, shape(engine)) == []

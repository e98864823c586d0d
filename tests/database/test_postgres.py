"""What PostgreSQL adds: several engines on one database, connections that break, and the way there and back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest
from sqlalchemy import select

from tropism import AuthenticationError, NotFoundError, Tropism
from tropism.cli import call
from tropism.server.database.connect import Database
from tropism.server.database.copying import CannotCopy, copy
from tropism.server.database.postgres import TURN
from tropism.server.database.prepared import Prepared
from tropism.server.database.session import Writing
from tropism.server.errors import DatabaseAway
from tropism.server.identity.principal import SYSTEM
from tropism.server.snapshot import Snapshot
from tropism.server.tables.interactions import interaction_label
from tropism.testing import RunningServer, run_server
from tropism.testing.database import POSTGRES, database_of

HELLO = [{"role": "user", "content": "Hello"}]
SHARED_SECRET = "of all engines on this database"


@pytest.fixture(autouse=True)
def _needs_postgres() -> None:
    if POSTGRES not in os.environ:
        pytest.skip("runs with --postgres (make test-postgres)")


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RunningServer, RunningServer]]:
    """Two engines with a data directory each, and one database."""
    monkeypatch.setenv("TROPISM_SECRET_KEY", SHARED_SECRET)
    database = database_of(tmp_path)
    with (
        run_server(data=tmp_path / "a", database=database) as first,
        run_server(data=tmp_path / "b", database=database) as second,
    ):
        yield first, second


def client_of(server: RunningServer) -> Tropism:
    return Tropism(server.base_url, server.api_key)


def soon(condition: Callable[[], object], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def served(client: Tropism, use_case: str) -> None:
    client.use_cases.create(use_case)
    client.models.attach("echo", make_default=True, wait=True, use_case=use_case)


def test_what_one_engine_changes_the_other_knows(two: tuple[RunningServer, RunningServer]) -> None:
    with client_of(two[0]) as first, client_of(two[1]) as second:
        served(first, "shared")
        assert soon(lambda: second.use_cases.get("shared").model_services)
        answer = second.chat.create(HELLO, use_case="shared")
        assert first.interactions.get(answer.choices[0].completion_id, use_case="shared").completion == "Hello"


def test_a_key_that_one_engine_revokes_ends_at_the_other(two: tuple[RunningServer, RunningServer]) -> None:
    with client_of(two[0]) as first:
        made = first.api_keys.create("short-lived")
        with Tropism(two[1].base_url, made.key) as second:
            assert soon(lambda: _is_known(second))
            first.api_keys.revoke(made.id)
            assert soon(lambda: not _is_known(second))


def _is_known(client: Tropism) -> bool:
    try:
        client.users.me()
    except AuthenticationError:
        return False
    return True


def test_engines_that_write_at_once_lose_nothing(two: tuple[RunningServer, RunningServer]) -> None:
    """Both count feedback of one A/B test, in the rows of its sums."""
    with client_of(two[0]) as first, client_of(two[1]) as second:
        served(first, "busy")
        first.models.add_variant("echo", "loud", system_prompt="Shout.")
        first.models.attach("loud", wait=True, use_case="busy")
        first.feedback.register_key("good", kind="bool")
        first.feedback.link("good", use_case="busy")
        first.ab_tests.create("both", "good", ["echo", "loud"], use_case="busy")
        assert soon(lambda: any(each.key == "both" for each in second.ab_tests.list(use_case="busy")))
        assert soon(lambda: second.chat.create(HELLO, use_case="busy").choices[0].model in ("echo", "loud"))

        def rate(client: Tropism) -> None:
            choice = client.chat.create(HELLO, use_case="busy", ab_campaign="both").choices[0]
            client.feedback.log_metric(True, choice.completion_id, "good")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(rate, [first, second] * 40))
        assert first.ab_tests.get("both").report.feedbacks == 80


def test_an_engine_outlives_its_connections(tmp_path: Path) -> None:
    with run_server(data=tmp_path) as server, client_of(server) as client:
        served(client, "cut-off")
        with psycopg.connect(server.database, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
        client.chat.create(HELLO, use_case="cut-off")
        assert client.interactions.list(use_case="cut-off").total_count == 1


@pytest.mark.parametrize("number", [1, 2, 100], ids=["inserted alone", "inserted", "copied"])
async def test_a_connection_that_breaks_as_rows_are_stored_is_made_anew(
    database: Database[Snapshot], tmp_path: Path, number: int
) -> None:
    def broken(transaction: Writing, rows: Sequence[Any]) -> None:
        pid = transaction.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        with psycopg.connect(database_of(tmp_path), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        transaction.put(Prepared(interaction_label), [(UUID(int=1), "k", "v", UUID(int=i)) for i in range(number)])

    with pytest.raises(DatabaseAway, match="nothing was stored|not known"):
        await database.append(broken, None)
    assert await database.write(SYSTEM, lambda transaction: transaction.value(select(1))) == 1


def test_a_write_waits_for_its_turn(tmp_path: Path) -> None:
    with run_server(data=tmp_path) as server, client_of(server) as client, ThreadPoolExecutor(1) as pool:
        with psycopg.connect(server.database) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])
            writing = pool.submit(client.use_cases.create, "after-the-other")
            time.sleep(0.5)
            assert not writing.done()
            assert "after-the-other" not in {each.key for each in client.use_cases.list()}
        assert writing.result(20).key == "after-the-other"


@pytest.fixture
def full(tmp_path: Path) -> str:
    """A SQLite database with something in it."""
    file = f"sqlite:///{tmp_path / 'file' / 'tropism.db'}"
    with run_server(data=tmp_path / "file", database=file) as server, client_of(server) as client:
        served(client, "moved")
        client.feedback.register_key("stars")
        client.feedback.link("stars", use_case="moved")
        for value in (0.1, 1e30, -3):
            choice = client.chat.create(HELLO, use_case="moved", labels={"é": "ü"}).choices[0]
            client.feedback.log_metric(value, choice.completion_id, "stars")
    return file


def test_a_database_moves_to_postgresql_and_back(full: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    there, back = database_of(tmp_path / "there"), f"sqlite:///{tmp_path / 'back.db'}"
    assert call(["database", "copy", full, there]) == 0
    assert "arrived as they were sent" in capfd.readouterr().out
    assert copy(there, back) == copy(full, database_of(tmp_path / "again"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_text((tmp_path / "file" / "secret.key").read_text())
    with run_server(data=tmp_path / "data", database=there) as server, client_of(server) as client:
        nodes = client.interactions.list(use_case="moved").nodes
        assert [each.direct_feedbacks[0].value for each in nodes] == [-3, 1e30, 0.1]
        assert client.chat.create(HELLO, use_case="moved").choices[0].message.content == "Hello"


def test_a_copy_into_a_full_database_is_refused(full: str, tmp_path: Path) -> None:
    there = database_of(tmp_path / "there")
    copy(full, there)
    with pytest.raises(CannotCopy, match="copy into an empty database"):
        copy(full, there)


def test_a_character_that_no_text_keeps_is_no_error(two: tuple[RunningServer, RunningServer], tmp_path: Path) -> None:
    with client_of(two[0]) as client:
        served(client, "case")
        said = client.chat.create([{"role": "user", "content": "a\0b"}], use_case="case", labels={"k": "a\0b"})
        kept = client.interactions.get(said.choices[0].completion_id, use_case="case")
        assert (kept.completion, kept.labels) == ("a\ufffdb", {"k": "a\0b"})
        with pytest.raises(NotFoundError):
            client.use_cases.get("a\0b")
        client.use_cases.create("named", name="a\0b")
        body = {"email": "a\0b@example.com", "password": "not the password"}
        answer = httpx2.post(f"{two[0].base_url}/api/v1/sign_ins", json=body, headers={"X-Tropism-CSRF": "1"})
        assert answer.status_code == 401
        assert client.audit.verify().holds


def test_it_is_copied_from_a_database_that_keeps_it(tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/source.db"
    with run_server(data=tmp_path / "a", database=source) as server, client_of(server) as client:
        client.use_cases.create("named", name="a\0b")
    target = database_of(tmp_path / "b")
    copy(source, target)
    with run_server(data=tmp_path / "a", database=target) as server, client_of(server) as client:
        assert client.use_cases.get("named").name == "a\ufffdb"
        assert client.audit.verify().holds

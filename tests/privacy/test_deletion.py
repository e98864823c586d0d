"""Deleting interactions by user, session, age and id: all of them, nothing else, and for good."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine
from tests.conftest import Both
from uuid_utils.compat import uuid7

from tropism import NotFoundError, PermissionDeniedError, Tropism, UnprocessableEntityError
from tropism.server.database.engines import only_reading
from tropism.testing import RunningServer, run_server

HELLO = [{"role": "user", "content": "hello"}]
SECONDS = 20.0


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def log(client: Tropism, use_case: str, **given: object) -> UUID:
    made = client.interactions.create("an answer", prompt="a question", use_case=use_case, **given)  # type: ignore[arg-type]
    return made.completion_id


def ids(client: Tropism, use_case: str) -> set[UUID]:
    return {each.id for each in client.interactions.list_all(use_case=use_case)}


def rows(server: RunningServer, statement: str, *given: UUID) -> list[tuple[object, ...]]:
    """What the database holds, past our own code."""
    # By the server's own SQLite: a second copy of it in one process would take away the first one's locks.
    engine = only_reading(f"sqlite:///{server.data / 'tropism.db'}")
    with engine.connect() as connection:
        found = connection.exec_driver_sql(statement, tuple(each.bytes for each in given)).all()
    engine.dispose()
    return [tuple(row) for row in found]


@pytest.mark.sqlite
def test_what_was_logged_by_a_clock_that_goes_before_ours_is_deleted_too(tmp_path: Path) -> None:
    """Two engines of one database have two clocks, and any clock is set back now and then."""
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        id = log(client, "default")
    ahead = UUID(int=id.int + (3_600_000 << 80))
    with closing(sqlite3.connect(tmp_path / "tropism.db")) as database, database:
        for table in ("interaction", "interaction_body"):
            database.execute(f"UPDATE {table} SET id = ?", (ahead.bytes,))
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        asked = client.interactions.delete(completion_ids=[ahead], use_case="default")
        assert eventually(lambda: client.interactions.get_deletion(asked.id).status == "COMPLETED")
        assert client.interactions.get_deletion(asked.id).deleted == 1
        assert not ids(client, "default")


@pytest.mark.sqlite
def test_by_user_with_feedback_and_labels(call: Both, client: Tropism, server: RunningServer, use_case: str) -> None:
    ada, bob = uuid4(), uuid4()
    stars = f"{use_case}-stars"
    hers = [log(client, use_case, user=ada, labels={"a": "b", "c": "d"}) for _ in range(3)]
    his = log(client, use_case, user=bob, labels={"a": "b"})
    client.feedback.log_metric(4, hers[0], stars, user=bob, details="hers is fine")
    client.feedback.log_metric(5, his, stars, user=bob, details="mine is fine")
    client.feedback.log_preference(stars, his, hers[1], use_case=use_case)
    done = call("interactions.delete", user=ada, use_case=use_case)
    assert (done.status, done.deleted, done.use_case) == ("COMPLETED", 3, use_case)
    assert ids(client, use_case) == {his}
    kept = client.interactions.get(his, use_case=use_case)
    assert [each.details for each in kept.direct_feedbacks] == ["mine is fine"]
    assert kept.comparison_feedbacks == []
    assert kept.labels == {"a": "b"}
    assert client.interactions.list(filters={"labels": [{"key": "c"}]}, use_case=use_case).total_count == 0
    for table, column in (("interaction_body", "id"), ("interaction_label", "interaction_id")):
        assert rows(server, f"select 1 from {table} where {column} = ?", hers[0]) == []
    again = call("interactions.delete", user=ada, use_case=use_case)
    assert again.deleted == 0
    assert call("interactions.get_deletion", done.id) == done


@pytest.mark.sqlite
def test_what_the_user_said_about_others_is_nobodys(client: Tropism, server: RunningServer, use_case: str) -> None:
    ada, bob, stars = uuid4(), uuid4(), f"{use_case}-stars"
    one, two = log(client, use_case, user=bob), log(client, use_case, user=bob)
    client.feedback.log_metric(2, one, stars, user=ada, details="I, Ada, find it poor")
    client.feedback.log_metric(3, one, stars, user=bob, details="Bob thinks so, too")
    client.feedback.log_preference(stars, one, two, user=ada, use_case=use_case)
    assert client.interactions.delete(user=ada, use_case=use_case).deleted == 0
    kept = client.interactions.get(one, use_case=use_case)
    by_value = {each.value: each for each in kept.direct_feedbacks}
    assert (by_value[3].user, by_value[3].details) == (bob, "Bob thinks so, too")
    assert by_value[2].user not in (ada, None)
    assert by_value[2].details is None
    assert [each.user for each in kept.comparison_feedbacks] == [by_value[2].user]
    for table in ("feedback", "comparison", "ab_unit", "interaction"):
        column = "unit_id" if table == "ab_unit" else "user_id"
        assert rows(server, f'select 1 from "{table}" where {column} = ?', ada) == []


def test_by_session_and_by_ids_and_by_all_that_is_given(call: Both, client: Tropism, use_case: str) -> None:
    ada, session = uuid4(), uuid4()
    in_session = log(client, use_case, session_id=session, user=ada)
    one, two, three = (log(client, use_case, user=ada) for _ in range(3))
    assert call("interactions.delete", session_id=session, user=uuid4(), use_case=use_case).deleted == 0
    assert call("interactions.delete", session_id=session, use_case=use_case).deleted == 1
    assert call("interactions.delete", completion_ids=[one, two, in_session, uuid4()], use_case=use_case).deleted == 2
    assert ids(client, use_case) == {three}


def test_by_age(call: Both, client: Tropism, use_case: str) -> None:
    now = datetime.now(UTC)
    for days in (400, 40, 4):
        log(client, use_case, created_at=now - timedelta(days=days))
    fresh = log(client, use_case)
    assert call("interactions.delete", older_than=now - timedelta(days=30), use_case=use_case).deleted == 2
    assert fresh in ids(client, use_case)
    assert len(ids(client, use_case)) == 2


def test_another_use_case_is_left_alone(client: Tropism, use_case: str) -> None:
    ada = uuid4()
    client.use_cases.create(other := f"case-{uuid4().hex[:12]}")
    there = log(client, other, user=ada)
    log(client, use_case, user=ada)
    client.interactions.delete(user=ada, use_case=use_case)
    assert client.interactions.delete(completion_ids=[there], use_case=use_case).deleted == 0
    assert ids(client, other) == {there}


def test_more_than_one_batch_while_chat_goes_on(client: Tropism, use_case: str) -> None:
    given = {"prompt": "q", "completion": "a", "user": str(ada := uuid4())}
    client.interactions.create_many([given] * 700, use_case=use_case)  # type: ignore[list-item]
    begun = client.interactions.delete(user=ada, wait=False, use_case=use_case)
    answers = [client.chat.create(HELLO, use_case=use_case).choices[0].completion_id for _ in range(10)]
    assert eventually(lambda: client.interactions.get_deletion(begun.id).status == "COMPLETED")
    assert client.interactions.get_deletion(begun.id).deleted == 700
    assert ids(client, use_case) == set(answers)


def test_it_must_be_said_which(call: Both, use_case: str) -> None:
    with pytest.raises(UnprocessableEntityError, match="say which"):
        call("interactions.delete", use_case=use_case)
    with pytest.raises(NotFoundError, match="no deletion"):
        call("interactions.get_deletion", uuid4())


def test_developers_and_other_teams_delete_nothing() -> None:
    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.teams.create(team := f"team-{uuid4().hex[:8]}")
        kept, begun = log(client, "default"), client.interactions.delete(user=uuid4(), use_case="default")
        for role, error in (("maintainer", NotFoundError), ("developer", PermissionDeniedError)):
            email = f"{uuid4().hex}@example.com"
            client.users.create(email, "x", team, role, kind="service")
            with Tropism(server.base_url, client.api_keys.create("k", user=email).key) as stranger:
                with pytest.raises(error):
                    stranger.interactions.delete(completion_ids=[kept], use_case="default")
                with pytest.raises(error):
                    stranger.interactions.get_deletion(begun.id)
        assert ids(client, "default") == {kept}


@pytest.mark.sqlite
def test_a_deletion_is_carried_on_after_a_restart(tmp_path: Path) -> None:
    """The row is written and the engine dies before it has done anything."""
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        kept = log(client, "default", user=uuid4())
        doomed = log(client, "default", user=(ada := uuid4()))
        used = client.use_cases.get("default").id
    request = f'{{"use_case_id":"{used}","until":"{UUID(int=2**128 - 1)}","user":"{ada}"}}'.encode()
    engine, id = create_engine(f"sqlite:///{tmp_path / 'tropism.db'}"), uuid7()
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into interaction_deletion (id, use_case_id, request, stand_in, deleted) values (?, ?, ?, ?, 0)",
            (id.bytes, used.bytes, request, uuid4().bytes),
        )
    engine.dispose()
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        assert eventually(lambda: client.interactions.get_deletion(id).status == "COMPLETED")
        assert ids(client, "default") == {kept} != {doomed}


@pytest.mark.sqlite
def test_what_was_deleted_is_in_no_file(tmp_path: Path) -> None:
    """Nor in the log beside the database; what a page may still hold of a row that moved goes with a VACUUM."""
    secret, ada = uuid4().hex, uuid4()
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        client.feedback.register_key("stars")
        client.feedback.link("stars", use_case="default")
        hers = [said_by_ada(secret, ada, number) for number in range(300)]
        others: list[Any] = [{"completion": "a", "prompt": "q"} for _ in hers]
        both = [each for pair in zip(hers, others, strict=True) for each in pair]
        made = client.interactions.create_many(both, use_case="default")
        client.feedback.log_metric(1, made[0].completion_id, "stars", details=secret)
        client.feedback.log_metric(1, made[1].completion_id, "stars", user=ada, details=secret)
        assert "tropism.db-wal" in holding(tmp_path, secret)
        assert client.interactions.delete(user=ada, use_case="default").deleted == 300
        assert eventually(lambda: (tmp_path / "tropism.db-wal").stat().st_size == 0)
        assert len(ids(client, "default")) == 300
    with closing(sqlite3.connect(tmp_path / "tropism.db")) as connection:
        connection.execute("VACUUM")
    assert holding(tmp_path, secret) == []
    assert holding(tmp_path, "".join(f"\\x{byte:02x}" for byte in ada.bytes)) == []


def said_by_ada(secret: str, ada: UUID, number: int) -> Any:
    """Long and short ones, so that pages split and overflow."""
    text = f"{secret} {number} " + "x" * (number * 37 % 6000)
    return {"completion": text, "prompt": text, "user": str(ada), "labels": {"who": secret}}


def holding(folder: Path, what: str) -> list[str]:
    """The files that hold it; found by another process, since closing a file gives up our locks on it."""
    found = subprocess.run(["grep", "-rlaP", what, folder], capture_output=True, text=True, env={"LC_ALL": "C"})
    return [Path(name).name for name in found.stdout.splitlines()]

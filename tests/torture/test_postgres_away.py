"""A PostgreSQL that ends and comes back: callers hear it at once, and everything goes on when it is there again."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from tests.chat.upstream import run_upstream
from tests.e2e.process import ADMIN_KEY, Served, served
from tests.evaluation.judge import RuleJudge, eventually
from tests.postgres import Postgres, postgres

from tropism import InternalServerError, Tropism

HELLO = [{"role": "user", "content": "one two three"}]
NUMBER = 12


@pytest.fixture
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture
def engine(database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)
    with served(tmp_path, "--port", "0", "--echo-models", "echo", "--database", database.url) as engine:
        yield engine


@pytest.fixture
def client(engine: Served) -> Iterator[Tropism]:
    with Tropism(engine.ready(), ADMIN_KEY) as client:
        client.set_default_use_case("default")
        client.models.attach("echo", wait=True, make_default=True)
        yield client


@pytest.fixture
def judge(client: Tropism) -> Iterator[RuleJudge]:
    with run_upstream() as upstream:
        judge = RuleJudge(upstream, seconds=0.3)
        judge.attach(client, "default")
        yield judge


def evaluation(client: Tropism, judge: RuleJudge) -> UUID:
    """The id of an evaluation that the judge has begun."""
    for number in range(NUMBER):
        client.chat.create([{"role": "user", "content": f"Is number {number} here"}])
    job = client.evaluation.jobs.create({"datasource": {"completions": {}}}, ["echo"], judge.key, "answer_relevancy")
    return job.id


def test_an_engine_outlives_its_database(client: Tropism, engine: Served, database: Postgres) -> None:
    before = client.chat.create(HELLO).choices[0].completion_id
    database.stop(signal.SIGINT)
    with pytest.raises(InternalServerError, match="could not be stored"):
        client.chat.create(HELLO)
    with pytest.raises(InternalServerError, match="the database cannot be read") as away:
        client.interactions.list()
    assert away.value.status_code == 503, "who asks may ask again"
    with pytest.raises(InternalServerError, match="the database went away|nothing was stored") as lost:
        client.feedback.register_key("stars")
    assert lost.value.status_code == 503
    database.start()
    after = eventually(lambda: answered(client))
    assert {before, after} <= {node.id for node in client.interactions.list().nodes}
    assert engine.stop() == 0, engine.said()


def test_an_end_between_two_writes_costs_none(client: Tropism, engine: Served, database: Postgres) -> None:
    """The connection that writes has broken by then, which says nothing of what it is asked next."""
    for _ in range(3):
        client.chat.create(HELLO)
        database.stop(signal.SIGINT)
        database.start()
    client.chat.create(HELLO)
    assert client.interactions.list().total_count == 4
    assert engine.stop() == 0, engine.said()


def answered(client: Tropism) -> object:
    try:
        return client.chat.create(HELLO).choices[0].completion_id
    except InternalServerError:
        return None


def test_jobs_that_come_after_it_was_away_are_done(
    client: Tropism, engine: Served, database: Postgres, judge: RuleJudge
) -> None:
    database.stop(signal.SIGINT)
    eventually(lambda: "whether there are jobs to do is not known" in "".join(engine.errors))
    database.start()
    assert eventually(lambda: answered(client))
    done = client.evaluation.jobs.wait(evaluation(client, judge), timeout=120)
    assert done.status == "COMPLETED"
    assert engine.stop() == 0, engine.said()


@pytest.mark.torture
@pytest.mark.parametrize("seconds", [0, 4])
def test_a_job_goes_on_after_its_database_was_away(
    client: Tropism, engine: Served, database: Postgres, judge: RuleJudge, seconds: float
) -> None:
    id = evaluation(client, judge)
    eventually(lambda: len(judge.asked) > 4)
    database.stop(signal.SIGINT)
    time.sleep(seconds)
    database.start()
    done = client.evaluation.jobs.wait(id, timeout=120)
    assert (done.status, done.error) == ("COMPLETED", None)
    samples = list(client.evaluation.jobs.all_samples(done.id))
    assert [sample.status for sample in samples] == ["scored"] * NUMBER
    log = client.interactions.list().nodes
    assert sum(len(node.direct_feedbacks) for node in log) == NUMBER, "a score is logged once"
    assert engine.stop() == 0, engine.said()

"""Trends: the same as a recount of the log, in the hour of each answer, with the intervals of `stats`."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect
from tests.chat.upstream import Request, Upstream, eventually, run_upstream
from tests.conftest import Both
from tests.database.test_upgrade import at, tables_of

import tropism
from tropism import Tropism
from tropism.stats.metric import mean_interval
from tropism.stats.sums import Sums, Unit
from tropism.testing import run_server
from tropism.wire.trends import Trend


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


HELLO: Any = [{"role": "user", "content": "Hello"}]


def ask(client: Tropism, use_case: str, **more: Any) -> Any:
    return client.chat.create(HELLO, use_case=use_case, **more).choices[0].completion_id


def log(client: Tropism, use_case: str, value: float, at: datetime | None = None, model: str = "echo-a") -> Any:
    """An answer made elsewhere, with stars."""
    stars: Any = {"feedback_key": f"{use_case}-stars", "value": value}
    made = client.interactions.create(
        "an answer", prompt="a question", model=model, feedbacks=[stars], created_at=at, use_case=use_case
    )
    return made.completion_id


def shown(trend: Trend) -> dict[tuple[str | None, datetime], tuple[int, Any]]:
    return {(each.model, p.at): (p.count, pytest.approx(p.mean)) for each in trend.models for p in each.points}


def recounted(client: Tropism, use_case: str, metric: str, hours: int) -> dict[tuple[str | None, datetime], Any]:
    """The same, from every interaction of the log."""
    found: defaultdict[tuple[str | None, datetime], list[float]] = defaultdict(list)
    for each in client.interactions.list_all(use_case=use_case):
        begin = each.created_at.replace(minute=0, second=0, microsecond=0)
        begin = begin.replace(hour=begin.hour // hours * hours)
        values = [said.value for said in each.direct_feedbacks if said.feedback_key == metric]
        if metric == "latency_ms" and each.timings.latency_ms is not None:
            values = [each.timings.latency_ms]
        found[each.model, begin] += values
    return {place: (len(values), fmean(values)) for place, values in found.items() if values}


@pytest.mark.parametrize("by", ["hour", "day"])
@pytest.mark.parametrize("metric", ["latency_ms", "stars"])
def test_a_trend_is_that_of_a_recount(call: Both, client: Tropism, use_case: str, metric: str, by: Any) -> None:
    metric = f"{use_case}-stars" if metric == "stars" else metric
    now = datetime.now(UTC)
    for number in range(12):
        id = ask(client, use_case, model=("echo-a", "echo-b")[number % 2])
        client.feedback.log_metric(number, id, f"{use_case}-stars")
        log(client, use_case, number, now - timedelta(hours=7 * number))
    found = call("trends.query", metric, by=by, since=now - timedelta(days=4), use_case=use_case)
    assert shown(found) == recounted(client, use_case, metric, {"hour": 1, "day": 24}[by])
    assert found.since <= now - timedelta(days=4)
    assert found.until >= now


def test_it_says_what_it_shows(call: Both, use_case: str) -> None:
    stars, latency = (
        call("trends.query", f"{use_case}-stars", use_case=use_case),
        call("trends.query", use_case=use_case),
    )
    assert (stars.metric, stars.kind, stars.scoring_type) == (f"{use_case}-stars", "scalar", "higher_is_better")
    assert (latency.metric, latency.kind, latency.scoring_type) == ("latency_ms", "scalar", "lower_is_better")
    assert stars.models == latency.models == []
    assert stars.until - stars.since == timedelta(days=14)
    assert call("trends.query", by="hour", use_case=use_case).since > datetime.now(UTC) - timedelta(hours=24)


def test_a_value_that_replaces_another_counts_once(call: Both, client: Tropism, use_case: str) -> None:
    id = log(client, use_case, 1)
    for value in (5, 3):
        client.feedback.log_metric(value, id, f"{use_case}-stars")
    (only,) = call("trends.query", f"{use_case}-stars", use_case=use_case).models
    assert (only.count, only.mean) == (1, 3)


def test_a_value_belongs_to_the_day_of_its_answer(call: Both, client: Tropism, use_case: str) -> None:
    day = (datetime.now(UTC) - timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    id = log(client, use_case, 4, day + timedelta(hours=23, minutes=59))
    client.feedback.log_metric(True, id, f"{use_case}-thumbs")
    (only,) = call("trends.query", f"{use_case}-thumbs", use_case=use_case).models
    assert [(point.at, point.count, point.mean) for point in only.points] == [(day, 1, 1)]
    until = call("trends.query", f"{use_case}-thumbs", until=day - timedelta(minutes=1), use_case=use_case)
    assert until.models == []


def test_intervals_are_those_of_the_statistics(call: Both, client: Tropism, use_case: str) -> None:
    chance = random.Random(1)
    values = [chance.gauss(5, 1) for _ in range(60)]
    stars = [{"feedback_key": f"{use_case}-stars", "value": value} for value in values]
    entries: Any = [{"completion": "a", "prompt": "q", "model": "echo-a", "feedbacks": [each]} for each in stars]
    client.interactions.create_many(entries[:20], use_case=use_case)
    (few,) = call("trends.query", f"{use_case}-stars", use_case=use_case).models
    assert few.interval is None
    client.interactions.create_many(entries[20:], use_case=use_case)
    (only,) = call("trends.query", f"{use_case}-stars", use_case=use_case).models
    expected = mean_interval(Sums.of(Unit(1, value) for value in values), "scalar")
    assert expected is not None
    assert (only.interval.start, only.interval.end) == pytest.approx((expected.start, expected.end))
    assert only.interval.start < fmean(values) < only.interval.end


def test_a_single_yes_has_an_interval(call: Both, client: Tropism, use_case: str) -> None:
    client.feedback.log_metric(True, log(client, use_case, 4), f"{use_case}-thumbs")
    (only,) = call("trends.query", f"{use_case}-thumbs", use_case=use_case).models
    assert 0 < only.interval.start < only.interval.middle == only.interval.end == 1


def test_answers_that_were_cut_short_have_no_latency(client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def play(request: Request) -> None:
        request.begin()
        await request.say("Hello")
        await request.until_gone()

    upstream.model(client, use_case, play)
    with client.chat.create(HELLO, use_case=use_case, stream=True) as stream:
        next(iter(stream))
    eventually(lambda: client.interactions.list(use_case=use_case).nodes)
    assert client.trends.query(use_case=use_case).models == []
    for _ in client.chat.create(HELLO, use_case=use_case, stream=True, model="echo-a"):
        pass
    for metric in ("latency_ms", "first_token_ms"):
        (only,) = client.trends.query(metric, use_case=use_case).models
        assert (only.model, only.count) == ("echo-a", 1)


def test_what_is_deleted_stays_in_the_sums(client: Tropism, use_case: str) -> None:
    log(client, use_case, 4)
    before = client.trends.query(f"{use_case}-stars", use_case=use_case)
    client.interactions.delete(older_than=datetime.now(UTC) + timedelta(minutes=1), use_case=use_case, wait=True)
    assert client.interactions.list(use_case=use_case).total_count == 0
    assert client.trends.query(f"{use_case}-stars", use_case=use_case) == before


def test_other_teams_see_nothing_of_it() -> None:
    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.teams.create("others")
        client.users.create("somebody@example.com", "Somebody", "others", "viewer", kind="service")
        with (
            Tropism(server.base_url, client.api_keys.create("k", user="somebody@example.com").key) as stranger,
            pytest.raises(tropism.NotFoundError),
        ):
            stranger.trends.query(use_case="default")


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"metric": "nothing"}, "metric"),
        ({"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"}, "since"),
        ({"since": "2020-01-01T00:00:00Z"}, "since"),
        ({"by": "hour", "since": datetime.now(UTC) - timedelta(days=32)}, "since"),
        ({"until": "9999-12-31T23:59:59Z"}, "until"),
        ({"until": "9999-12-31T23:59:59-23:59"}, "until"),
        ({"until": "0001-01-01T00:00:00+23:59"}, "until"),
    ],
)
def test_what_cannot_be_shown_is_refused(call: Both, use_case: str, wrong: dict[str, Any], param: str) -> None:
    with pytest.raises((tropism.NotFoundError, tropism.UnprocessableEntityError)) as caught:
        call("trends.query", use_case=use_case, **wrong)
    assert caught.value.param == param


def copied(old: Path, new: Path, revision: str) -> None:
    """Make a database of an earlier revision that holds what another holds, as far as it had a place for it then."""
    engine = create_engine(f"sqlite:///{new}")
    at(engine, revision)
    columns = {name: [column["name"] for column in inspect(engine).get_columns(name)] for name in tables_of(engine)}
    engine.dispose()
    with sqlite3.connect(new) as database:
        database.execute("ATTACH ? AS old", [str(old)])
        for table, names in columns.items():
            listed = ", ".join(f'"{name}"' for name in names)
            database.execute(f'INSERT INTO main."{table}" ({listed}) SELECT {listed} FROM old."{table}"')


@pytest.mark.sqlite
def test_an_upgrade_counts_what_is_there(tmp_path: Path) -> None:
    now, earlier = tmp_path / "now", tmp_path / "earlier"
    with run_server(data=now) as server, Tropism(server.base_url, server.api_key) as client:
        client.use_cases.create("here")
        client.models.attach("echo", make_default=True, wait=True, use_case="here")
        client.feedback.register_key("here-stars")
        client.feedback.link("here-stars", use_case="here")
        for value in range(5):
            client.feedback.log_metric(value, ask(client, "here"), "here-stars")
        before = [client.trends.query(metric, use_case="here").models for metric in ("latency_ms", "here-stars")]
    shutil.copytree(now, earlier, ignore=shutil.ignore_patterns("tropism.db*"))
    copied(now / "tropism.db", earlier / "tropism.db", "0019")
    with run_server(data=earlier) as server, Tropism(server.base_url, server.api_key) as client:
        after = [client.trends.query(metric, use_case="here").models for metric in ("latency_ms", "here-stars")]
    figures = [[(each.count, round(each.mean, 9)) for models in time for each in models] for time in (before, after)]
    assert figures[0] == figures[1]
    assert before[1][0].count == 5

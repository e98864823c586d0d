"""Sums of what answers cost: the same as a recount of the log, for those who may see them, and nobody's in the end."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, select
from tests.chat.upstream import Upstream
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.server.clock import EPOCH, Clock
from tropism.server.database.session import Writing
from tropism.server.domains.costs import counting, forgetting
from tropism.server.domains.costs.counting import NOBODY, Charge
from tropism.server.identity.principal import SYSTEM
from tropism.server.tables import metadata
from tropism.server.tables.costs import user_spending
from tropism.testing import RunningServer, run_server
from tropism.wire.costs import Cost, CostGroup

from .conftest import PRICES, say

Sums = tuple[int, int, int, int, float]
FIELDS = {"use_case": "use_case", "model": "model", "api_key": "api_key", "user": "user", "day": "created_at"}


def ask(client: Tropism, use_case: str, text: str, **more: Any) -> UUID:
    answer = client.chat.create([{"role": "user", "content": text}], use_case=use_case, **more)
    found: UUID = answer.choices[0].completion_id
    return found


def sums(cost: Cost) -> Sums:
    return cost.requests, cost.unpriced, cost.prompt_tokens, cost.completion_tokens, pytest.approx(cost.cost_usd)  # type: ignore[return-value]


def recounted(client: Tropism, use_case: str, by: list[CostGroup]) -> dict[tuple[Any, ...], Sums]:
    """The same sums, from every interaction of the log."""
    found: dict[tuple[Any, ...], list[float]] = defaultdict(lambda: [0, 0, 0, 0, 0.0])
    for each in client.interactions.list_all(use_case=use_case):
        if each.source == "OFFLINE":
            continue
        values = (getattr(each, FIELDS[name]) for name in by)
        counted = found[tuple(value.date() if isinstance(value, datetime) else value for value in values)]
        tokens = (each.usage.prompt_tokens, each.usage.completion_tokens) if each.usage else (0, 0)
        for place, value in enumerate((1, each.cost_usd is None, *tokens, each.cost_usd or 0)):
            counted[place] += value
    return {key: tuple(counted) for key, counted in found.items()}  # type: ignore[misc]


def busy(client: Tropism, server: RunningServer, use_case: str, upstream: Upstream) -> None:
    """Answers of three models, two keys and two users, streamed and whole, several at a time, and one from outside."""
    upstream.model(client, use_case, say, prices=PRICES)
    far = upstream.model(client, use_case, say, prices={"input_per_million": 1, "output_per_million": 0})
    users = [uuid4(), uuid4(), None]
    with Tropism(server.base_url, client.api_keys.create(f"{use_case}-second").key) as second:
        for number in range(6):
            caller = (client, second)[number % 2]
            ask(caller, use_case, "x" * (number + 1), user=users[number % 3], model=(None, far, "echo-a")[number // 2])
    ask(client, use_case, "xxx", n=3)
    for _ in client.chat.create([{"role": "user", "content": "xx"}], use_case=use_case, stream=True, model="echo-b"):
        pass
    client.interactions.create("made elsewhere", prompt="x", use_case=use_case)


@pytest.mark.parametrize(
    "by",
    [[], ["use_case"], ["model"], ["api_key"], ["user"], ["day"], ["model", "api_key"], ["user", "day"]],
    ids=lambda by: "+".join(by) or "all",
)
def test_the_sums_are_those_of_a_recount(
    call: Both, client: Tropism, server: RunningServer, use_case: str, upstream: Upstream, by: list[CostGroup]
) -> None:
    busy(client, server, use_case, upstream)
    found = call("costs.query", by, use_case)
    expected = recounted(client, use_case, by)
    assert {tuple(getattr(cost, name) for name in by): sums(cost) for cost in found.costs} == expected
    assert sums(found.total) == recounted(client, use_case, [])[()]
    assert found.total.requests == 10
    assert found.total.unpriced == 3


def test_the_dearest_comes_first_and_days_in_their_order(client: Tropism, use_case: str, upstream: Upstream) -> None:
    dear = upstream.model(client, use_case, say, prices=PRICES)
    ask(client, use_case, "x", model="echo-a")
    ask(client, use_case, "x")
    ask(client, use_case, "x", model="echo-b")
    models = [cost.model for cost in client.costs.query(["model"], use_case).costs]
    assert models[0] == dear
    assert {*models[1:]} == {"echo-a", "echo-b"}
    days = [cost.day for cost in client.costs.query(["day", "model"], use_case).costs]
    assert all(a is not None and b is not None and a <= b for a, b in pairwise(days))


def test_a_key_is_shown_by_its_name(client: Tropism, server: RunningServer, use_case: str) -> None:
    made = client.api_keys.create(f"{use_case}-key")
    with Tropism(server.base_url, made.key) as other:
        id = ask(other, use_case, "x")
    (cost,) = client.costs.query(["api_key"], use_case).costs
    assert (cost.api_key, cost.api_key_name) == (made.id, f"{use_case}-key")
    assert client.interactions.get(id, use_case=use_case).api_key == made.id


def test_days_narrow_the_sums(call: Both, client: Tropism, use_case: str) -> None:
    ask(client, use_case, "x")
    today = datetime.now(UTC).date()
    before, after = today - timedelta(days=1), today + timedelta(days=1)

    def requests(since: date | str | None = None, until: date | str | None = None) -> int:
        found: int = call("costs.query", use_case=use_case, since=since, until=until).total.requests
        return found

    assert requests(since=before, until=after) == 1
    assert requests(until=before) == 0
    assert requests(since=after.isoformat()) == 0
    assert call("costs.query", use_case=use_case, until=before).costs == []


def test_other_teams_see_nothing_of_it() -> None:
    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.use_cases.create("mine")
        client.models.attach("echo", make_default=True, wait=True, use_case="mine")
        ask(client, "mine", "x")
        client.teams.create("others")
        client.users.create("somebody@example.com", "Somebody", "others", "viewer", kind="service")
        with Tropism(server.base_url, client.api_keys.create("k", user="somebody@example.com").key) as stranger:
            with pytest.raises(tropism.NotFoundError):
                stranger.costs.query(use_case="mine")
            found = stranger.costs.query(["use_case"])
            assert (found.costs, found.total.requests) == ([], 0)
        assert client.costs.query(["use_case"]).total.requests == 1


def test_users_are_not_crossed_with_models(call: Both, use_case: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError, match="by use case and day") as caught:
        call("costs.query", ["user", "model"], use_case)
    assert caught.value.param == "group_by"


def test_who_is_forgotten_leaves_the_money_behind(client: Tropism, use_case: str, upstream: Upstream) -> None:
    upstream.model(client, use_case, say, prices=PRICES)
    ada, bob = uuid4(), uuid4()
    for user in (ada, bob, ada, None):
        ask(client, use_case, "xx", user=user)
    before = client.costs.query(["user"], use_case)
    assert {cost.user for cost in before.costs} == {ada, bob, None}
    assert client.interactions.delete(user=ada, use_case=use_case).status == "COMPLETED"
    after = client.costs.query(["user"], use_case)
    assert {cost.user: cost.requests for cost in after.costs} == {bob: 1, None: 3}
    assert sums(after.total) == sums(before.total)


def test_of_days_that_are_not_kept_no_user_stays() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    use_case, ada, clock = uuid4(), uuid4(), Clock()
    with engine.begin() as connection:
        transaction = Writing(connection, SYSTEM, clock)
        now = clock.now()
        for days in (3, 2, 2, 0):
            counting.count(transaction, [charge(clock.new_id(now - timedelta(days=days)), use_case, ada)])
        kept_from = clock.new_id(now - timedelta(days=1))
        while forgetting.disown(transaction, use_case, kept_from, None):
            pass
        rows = transaction.rows(select(user_spending).order_by(user_spending.c.day))
    today = (now - EPOCH).days
    expected = [(today - 3, NOBODY, 1), (today - 2, NOBODY, 2), (today, ada, 1)]
    assert [(row.day, row.user_id, row.requests) for row in rows] == expected


def charge(id: UUID, use_case: UUID, user: UUID) -> Charge:
    return Charge(
        id=id,
        use_case_id=use_case,
        model_id=None,
        api_key_id=None,
        user_id=user,
        prompt_tokens=1,
        completion_tokens=2,
        cost_usd=0.5,
    )

"""Several engines are one to their callers, whichever of them answers: nothing is lost, and all agree."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.e2e.process import ADMIN_KEY, Served
from tests.e2e.several import NUMBER, OPTIONS, Several, replicas, workers

from tropism import AuthenticationError, Tropism
from tropism.testing.database import POSTGRES, database_of

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="engines are found in the process table")
WITHIN = 1.0
"""Seconds in which every engine knows of a change."""


@pytest.fixture(params=["workers", "replicas"])
def several(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Several]:
    if request.param == "replicas" and not (POSTGRES in os.environ and shutil.which("nginx")):
        pytest.skip("needs PostgreSQL and nginx: make test-postgres")
    with (workers if request.param == "workers" else replicas)(tmp_path) as running:
        yield running


def fresh(url: str) -> Tropism:
    """A client with connections of its own: whichever engine takes them."""
    return Tropism(url, ADMIN_KEY)


def everywhere(url: str, check: Callable[[Tropism], object]) -> list[object]:
    """What many new connections are told: more than there are engines, so that each is among them."""
    found = []
    for _ in range(8 * NUMBER):
        with fresh(url) as client:
            found.append(check(client))
    return found


def eventually(check: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def prepare(url: str) -> str:
    """A use case with two models and a key for feedback, each made through another connection."""
    key = f"case-{uuid4().hex[:8]}"
    with fresh(url) as client:
        client.use_cases.create(key)
    for model in ("echo-a", "echo-b"):
        with fresh(url) as client:
            client.models.attach(model, make_default=model == "echo-a", wait=True, use_case=key)
    with fresh(url) as client:
        client.feedback.register_key(f"{key}-stars")
    with fresh(url) as client:
        client.feedback.link(f"{key}-stars", use_case=key)
    return key


def test_what_one_engine_makes_every_other_knows_at_once(several: Several) -> None:
    url = several.url
    assert len(several.processes()) == NUMBER
    key = prepare(url)
    ask = [{"role": "user", "content": "Hello"}]
    answers = everywhere(url, lambda client: client.chat.create(ask, use_case=key).model)
    assert set(answers) == {"echo-a"}
    with fresh(url) as client:
        engines = next(pool for pool in client.compute_pools.list() if pool.key == "default").workers
    assert sum("inference" in worker.capabilities for worker in engines) == NUMBER


def test_an_answer_of_one_engine_is_given_again_by_every_other(several: Several) -> None:
    url = several.url
    key = prepare(url)
    with fresh(url) as client:
        client.use_cases.update(key, cache_seconds=60)
    time.sleep(WITHIN)
    ask = [{"role": "user", "content": "Hello"}]
    answers = everywhere(url, lambda client: client.chat.create(ask, use_case=key).choices[0])
    first, *others = answers
    assert first.cached_from is None  # type: ignore[attr-defined]
    assert {other.cached_from for other in others} == {first.completion_id}  # type: ignore[attr-defined]


def test_a_revoked_key_is_refused_everywhere_within_a_second(several: Several) -> None:
    url = several.url
    with fresh(url) as client:
        made = client.api_keys.create("short-lived")
        with Tropism(url, made.key) as holder:
            holder.use_cases.list()
        client.api_keys.revoke(made.id)
    time.sleep(WITHIN)

    def is_refused(_: Tropism) -> bool:
        with Tropism(url, made.key) as holder, pytest.raises(AuthenticationError):
            holder.use_cases.list()
        return True

    assert all(everywhere(url, is_refused))


def test_assignments_and_figures_of_an_ab_test_agree(several: Several) -> None:
    url = several.url
    key = prepare(url)
    with fresh(url) as client:
        test = client.ab_tests.create(f"{key}-which", f"{key}-stars", ["echo-a", "echo-b"], use_case=key)
    time.sleep(WITHIN)
    users = [uuid4() for _ in range(20)]
    assigned: dict[object, set[str]] = {user: set() for user in users}
    given: Counter[str] = Counter()
    for user in users * 3:
        with fresh(url) as client:
            answer = client.chat.create([{"role": "user", "content": "Hi"}], user=user, use_case=key)
        assigned[user].add(answer.model)
        given[answer.model] += 1
        with fresh(url) as client:
            client.feedback.log_metric(1, answer.choices[0].completion_id, f"{key}-stars", user=user)
    assert all(len(models) == 1 for models in assigned.values()), "a user stays with one model"
    reports = everywhere(url, lambda client: client.ab_tests.get(test.id).report.variants)
    assert all(report == reports[0] for report in reports)


def test_one_that_dies_loses_nothing_acknowledged_and_is_replaced(several: Several) -> None:
    url = several.url
    key = prepare(url)
    stored: list[object] = []
    failed: list[Exception] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                with fresh(url) as client:
                    answer = client.chat.create([{"role": "user", "content": "Hi"}], use_case=key)
                stored.append(answer.choices[0].completion_id)
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    victim = several.processes()[-1]
    os.kill(victim, signal.SIGKILL)
    left = NUMBER if several.are_replaced else NUMBER - 1
    assert eventually(lambda: victim not in several.processes() and len(several.processes()) == left)
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(failed) <= len(threads), "what was in flight there, and nothing after"
    with fresh(url) as client:
        logged = {node.id for node in client.interactions.list_all(use_case=key)}
    assert set(stored) <= logged


def test_engines_that_start_together_agree_on_keys(tmp_path: Path) -> None:
    """Of those that find nothing, one makes the keys, and the others take them."""
    if POSTGRES not in os.environ:
        pytest.skip("needs PostgreSQL: make test-postgres")
    options = (*OPTIONS, "--database", database_of(tmp_path))
    engines = [Served(tmp_path, *options, TROPISM_ADMIN_API_KEY="") for _ in range(NUMBER)]
    urls = [engine.ready() for engine in engines]
    key = (tmp_path / "admin.key").read_text().strip()
    try:
        for url in urls:
            with Tropism(url, key) as client:
                assert client.users.me().email == "admin@localhost"
    finally:
        assert [engine.stop() for engine in engines] == [0] * NUMBER

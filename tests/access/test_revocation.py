"""What was begun with a key, a sign-in or a role ends with it, also where it would go on for hours."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from tests.chat.upstream import Request, run_upstream

from tropism import Tropism
from tropism.testing import RunningServer

SECONDS = 4.0
"""A watch looks once a second."""
HELLO = [{"role": "user", "content": "Hello!"}]


def events(server: RunningServer, headers: dict[str, str], what: str, begun: threading.Event) -> Iterator[str]:
    """Of a use case, or of a job if it is a path."""
    how: dict[str, Any] = {"method": "POST", "url": "/api/v1/interactions/events", "json": {"use_case": what}}
    if what.startswith("/"):
        how = {"method": "GET", "url": what}
    with (
        httpx2.Client(base_url=server.base_url, headers=headers, timeout=60) as browser,
        browser.stream(**how) as answer,
    ):
        for line in answer.iter_lines():
            begun.set()
            yield line


def watched(server: RunningServer, headers: dict[str, str], what: str, end: Callable[[], object]) -> list[str]:
    """All that a watch tells from when `end` was called, until it is over; `TimeoutError` if it goes on."""
    begun = threading.Event()
    told: list[str] = []

    def watch() -> None:
        with contextlib.suppress(httpx2.HTTPError):  # the server may stop before it
            told.extend(events(server, headers, what, begun))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    assert begun.wait(SECONDS)
    end()
    thread.join(SECONDS)
    if thread.is_alive():
        raise TimeoutError("it goes on")
    return [line for line in told if line.startswith("data:")]


def headers_of(client: Tropism, email: str, team: str) -> dict[str, str]:
    """What a new viewer of the team sends."""
    client.users.create(email, "A", team, "viewer", kind="service")
    return {"Authorization": f"Bearer {client.api_keys.create('a', user=email).key}"}


@pytest.fixture
def key(client: Tropism) -> Any:
    return client.api_keys.create("to be revoked")


def test_a_watch_ends_with_its_key(client: Tropism, server: RunningServer, use_case: str, key: Any) -> None:
    def end() -> None:
        client.api_keys.revoke(key.id)
        client.chat.create([{"role": "user", "content": "after"}], use_case=use_case)

    said = watched(server, {"Authorization": f"Bearer {key.key}"}, use_case, end)
    assert len(said) == 1
    assert "unauthenticated" in said[0]
    assert "after" not in said[0]


def test_a_watch_ends_with_the_role(client: Tropism, server: RunningServer, use_case: str) -> None:
    headers = headers_of(client, f"{use_case}@example.com", "default")
    said = watched(server, headers, use_case, lambda: client.users.remove(f"{use_case}@example.com", "default"))
    assert len(said) == 1
    assert "forbidden" in said[0]


def test_a_watch_ends_with_the_share(client: Tropism, server: RunningServer, use_case: str, team: str) -> None:
    headers = headers_of(client, f"{team}@example.com", team)
    client.use_cases.share(team, "viewer", use_case=use_case)
    said = watched(server, headers, use_case, lambda: client.use_cases.unshare(team, use_case=use_case))
    assert len(said) == 1
    assert "not_found" in said[0]


def test_a_watch_of_somebody_signed_in_ends_with_the_sign_in(
    client: Tropism, server: RunningServer, use_case: str
) -> None:
    client.users.create(email := f"{use_case}@example.com", "A", "default", "viewer")
    client.passwords.set(client.passwords.make_link(email).token, password := "correct horse battery")
    body = {"email": email, "password": password}
    answer = httpx2.post(f"{server.base_url}/api/v1/sign_ins", json=body, headers={"X-Tropism-CSRF": "1"})
    headers = {"Cookie": answer.headers["set-cookie"].partition(";")[0], "X-Tropism-CSRF": "1"}
    said = watched(server, headers, use_case, lambda: client.sign_ins.end_all(email))
    assert len(said) == 1
    assert "unauthenticated" in said[0]


def test_a_watch_of_a_job_ends_with_its_key(client: Tropism, server: RunningServer, use_case: str, key: Any) -> None:
    async def never(request: Request) -> None:
        await asyncio.sleep(30)

    client.chat.create(HELLO, use_case=use_case)
    with run_upstream() as upstream:
        judge = upstream.model(client, use_case, never)
        logged: Any = {"datasource": {"completions": {"selection_type": "ALL"}}}
        job = client.evaluation.jobs.create(logged, [], judge, "answer_relevancy", use_case=use_case)
        try:
            said = watched(
                server,
                {"Authorization": f"Bearer {key.key}"},
                f"/api/v1/jobs/{job.id}/events",
                lambda: client.api_keys.revoke(key.id),
            )
        finally:
            client.jobs.cancel(job.id)
    assert "unauthenticated" in said[-1]


def test_a_watch_that_is_still_allowed_goes_on(client: Tropism, server: RunningServer, use_case: str) -> None:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        watched(server, headers, use_case, lambda: client.chat.create(HELLO, use_case=use_case))
    assert time.monotonic() - begun >= SECONDS

"""Chat inside an A/B test: whose failure is counted, and how many answers are made only to be compared."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
from tests.chat.upstream import SECONDS, Request, Upstream, eventually

from tropism import Tropism
from tropism.server.domains.chat.shadow import AT_ONCE
from tropism.testing import RunningServer

HELLO = [{"role": "user", "content": "Hello"}]


def test_the_variant_that_failed_is_the_one_that_is_blamed(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    """Both variants answer each request; the one that fails is counted, whichever of them stands first."""

    async def fail(request: Request) -> None:
        request.send({"error": {"message": "no"}}, status=500)

    broken = upstream.model(client, use_case, fail)
    test, models = f"{use_case}-t", ["echo-a", broken]
    client.ab_tests.create(test, f"{use_case}-thumbs", models, feedback_type="preference", use_case=use_case)
    body, headers = {"model": use_case, "messages": HELLO, "n": 2}, {"Authorization": f"Bearer {server.api_key}"}
    for _ in range(12):  # all of them with the broken one first: one in 4,000
        said = httpx2.post(f"{server.base_url}/api/v1/chat/completions", json=body, headers=headers)
        assert said.status_code == 502

    def errors() -> dict[str, int]:
        return {variant.variant: variant.errors for variant in client.ab_tests.get(test).report.variants}

    # Failures are counted in the background, since nobody waits for that.
    eventually(lambda: sum(errors().values()) >= 12)
    assert errors() == {"echo-a": 0, broken: 12}


def test_shadow_answers_are_bounded_also_when_many_come_at_once(
    client: Tropism, use_case: str, upstream: Upstream
) -> None:
    """Forty answers end at one moment, while no shadow answer ends: only some of them get one."""
    answered, compared = threading.Event(), threading.Event()
    many, seen = 40, []

    async def wait(request: Request) -> None:
        seen.append(request)
        end = answered if len(seen) <= many else compared
        while not end.is_set():
            await asyncio.sleep(0.01)
        request.answer("Hi")

    one, two = upstream.model(client, use_case, wait), upstream.model(client, use_case, wait)
    test = f"{use_case}-t"
    client.ab_tests.create(
        test, f"{use_case}-thumbs", [one, two], feedback_type="preference", shadow=1.0, use_case=use_case
    )
    with ThreadPoolExecutor(many) as workers:
        asked = [workers.submit(client.chat.create, HELLO, use_case=use_case) for _ in range(many)]
        while len(seen) < many:
            threading.Event().wait(0.01)
        answered.set()
        choices = [each.result(SECONDS).choices[0] for each in asked]
    compared.set()
    assert len([choice for choice in choices if choice.shadow_completion_id]) == AT_ONCE

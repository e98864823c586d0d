"""Numbers that no database keeps are refused, wherever they are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import msgspec
import pytest

from tropism import Tropism
from tropism.testing import RunningServer

JUST_TOO_HIGH, HUGE = 2**31, 10**30


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json"}
    with httpx2.Client(base_url=server.base_url, headers=headers, timeout=30) as client:
        yield client


@pytest.mark.parametrize("number", [JUST_TOO_HIGH, HUGE])
def test_a_number_beyond_all_rows_is_refused(http: httpx2.Client, client: Tropism, number: int) -> None:
    client.models.add_variant("echo-a", key := f"v-{uuid4().hex[:12]}", system_prompt="Be brief.")
    calls: list[tuple[str, str, Any]] = [
        ("POST", f"/api/v1/models/{key}/rollback", {"version": number}),
        ("GET", f"/api/v1/audit?before={number}", None),
        ("GET", f"/api/v1/jobs/{uuid4()}/logs?after={number}", None),
    ]
    for method, path, body in calls:
        answer = http.request(method, path, content=msgspec.json.encode(body) if body else None)
        assert answer.status_code == 422, (path, answer.text)

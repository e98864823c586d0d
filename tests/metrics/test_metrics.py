"""Figures as Prometheus itself reads them, for those who may, and on a port of their own."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

import tropism
from tropism import Tropism
from tropism.testing import RunningServer, run_server

HELLO = [{"role": "user", "content": "one two three"}]


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in found}


def scraped(server: RunningServer) -> str:
    answer = httpx2.get(f"{server.base_url}/metrics", headers={"Authorization": f"Bearer {server.api_key}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return str(answer.text)


def value(text: str, name: str, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(each for (found, has), each in samples(text).items() if found == name and wanted <= has)


def test_requests_answers_tokens_and_models_are_counted(server: RunningServer, client: Tropism, use_case: str) -> None:
    before = scraped(server)
    for stream in (False, True):
        answer = client.chat.create(HELLO, use_case=use_case, stream=stream)
        if stream:
            list(answer)  # type: ignore[arg-type]
    after = scraped(server)
    route = {"http_route": "/api/v1/chat/completions", "http_response_status_code": "200"}
    counted = "http_server_request_duration_seconds_count"
    assert value(after, counted, **route) - value(before, counted, **route) == 2
    mine = {"use_case": use_case, "model": "echo-a", "gen_ai_operation_name": "chat", "gen_ai_provider_name": "echo"}
    assert value(after, "gen_ai_client_operation_duration_seconds_count", **mine, error_type="") == 2
    logged = [each.usage for each in client.interactions.list_all(use_case=use_case)]
    for type, name in (("input", "prompt_tokens"), ("output", "completion_tokens")):
        tokens = sum(getattr(usage, name) for usage in logged)
        assert value(after, "gen_ai_client_token_usage_total", **mine, gen_ai_token_type=type) == tokens > 0
    assert value(after, "tropism_model_online", model="echo-a") == 1
    assert value(after, "tropism_pending_writes") >= 0


def test_no_content_is_in_it(server: RunningServer, client: Tropism, use_case: str) -> None:
    secret = f"secret{uuid4().hex}"
    client.chat.create([{"role": "user", "content": secret}], use_case=use_case)
    assert secret not in scraped(server)


def test_errors_are_counted_by_their_status(server: RunningServer, client: Tropism) -> None:
    def refused(text: str) -> float:
        labels = {"http_route": "/api/v1/chat/completions", "http_response_status_code": "404"}
        return value(text, "http_server_request_duration_seconds_count", **labels)

    before = refused(scraped(server))
    with pytest.raises(tropism.NotFoundError):
        client.chat.create(HELLO, use_case="nothing-of-the-kind")
    assert refused(scraped(server)) == before + 1


def test_it_needs_a_key_and_the_permission(server: RunningServer, client: Tropism) -> None:
    assert httpx2.get(f"{server.base_url}/metrics").status_code == 401
    viewer = client.api_keys.create("reads", permissions=["use_case:read"]).key
    headers: Mapping[str, Any] = {"Authorization": f"Bearer {viewer}"}
    assert httpx2.get(f"{server.base_url}/metrics", headers=headers).status_code == 403
    scraper = client.api_keys.create("scrapes", permissions=["metrics:read"]).key
    assert httpx2.get(f"{server.base_url}/metrics", headers={"Authorization": f"Bearer {scraper}"}).status_code == 200


def test_another_team_sees_its_own_use_cases_alone(server: RunningServer, client: Tropism, use_case: str) -> None:
    client.chat.create(HELLO, use_case=use_case)
    team = client.teams.create(f"team-{uuid4().hex[:12]}").key
    client.users.create(email := f"{team}@example.com", "A", team, "admin", kind="service")
    with Tropism(server.base_url, key := client.api_keys.create("a", user=email).key) as other:
        other.use_cases.create(f"case-of-{team}")
        other.models.attach("echo-a", make_default=True, wait=True, use_case=f"case-of-{team}")
        other.chat.create(HELLO, use_case=f"case-of-{team}")
    text = httpx2.get(f"{server.base_url}/metrics", headers={"Authorization": f"Bearer {key}"}).text
    assert value(text, "gen_ai_client_operation_duration_seconds_count", use_case=f"case-of-{team}") == 1
    assert use_case not in text
    assert use_case in scraped(server)


def test_on_a_port_of_its_own_it_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("TROPISM_METRICS_PORT", str(port))
    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.use_cases.list()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
        assert value(text, "http_server_request_duration_seconds_count", http_route="/api/v1/use_cases") == 1

"""Traces and metrics as a collector gets them: by the conventions, within the caller's trace, without content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import uuid4

import httpx2
import pytest
from tests.chat.upstream import Request, Upstream, run_upstream

import tropism
from tropism import Tropism
from tropism.testing import RunningServer, run_server

from .collector import Collector, attributes, eventually, run_collector

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
HELLO = [{"role": "user", "content": "hello"}]
CHAT = "/api/v1/chat/completions"


@dataclass
class Traced:
    """A server that tells a collector, a provider, and a use case of that server."""

    server: RunningServer
    client: Tropism
    collector: Collector
    upstream: Upstream
    use_case: str

    def ask(self, model: str | None = None, **headers: str) -> httpx2.Response:
        name = self.use_case if model is None else f"{self.use_case}/{model}"
        body = {"model": name, "messages": HELLO, "temperature": 0.5}
        given = {"Authorization": f"Bearer {self.server.api_key}", **headers}
        return httpx2.post(f"{self.server.base_url}{CHAT}", json=body, headers=given)


async def say(request: Request) -> None:
    request.answer("said", read=11, written=7)


async def fail(request: Request) -> None:
    request.send({"error": {"message": "no"}}, status=500)


@pytest.fixture(scope="module")
def running() -> Iterator[Traced]:
    with ExitStack() as stack:
        collector, upstream = stack.enter_context(run_collector()), stack.enter_context(run_upstream())
        with pytest.MonkeyPatch.context() as patch:  # for this server alone
            patch.setenv("TROPISM_OTLP_ENDPOINT", collector.url)
            patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
            patch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "300")
            server = stack.enter_context(run_server())
        client = stack.enter_context(Tropism(server.base_url, server.api_key))
        client.use_cases.create("traced")
        client.models.attach("echo", make_default=True, wait=True, use_case="traced")
        yield Traced(server, client, collector, upstream, "traced")


@pytest.fixture
def traced(running: Traced, monkeypatch: pytest.MonkeyPatch) -> Traced:
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)
    running.collector.spans.clear()
    return running


def test_a_chat_is_a_span_in_the_callers_trace_and_so_is_the_request_to_the_provider(traced: Traced) -> None:
    prices = {"input_per_million": 2.0, "output_per_million": 10.0}
    far = traced.upstream.model(traced.client, traced.use_case, say, prices=prices)
    id = traced.ask(**CALLER).json()["choices"][0]["completion_id"]
    (generation,) = eventually(lambda: traced.collector.named(f"chat {far}"))
    (serving,) = eventually(lambda: traced.collector.named(f"POST {CHAT}"))
    assert serving.trace_id.hex() == generation.trace_id.hex() == TRACE
    assert serving.parent_span_id.hex() == PARENT
    assert generation.parent_span_id == serving.span_id
    sent = traced.upstream.requests[-1].headers["traceparent"]
    assert sent == f"00-{TRACE}-{generation.span_id.hex()}-01"
    assert attributes(generation) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "custom",
        "gen_ai.request.model": far,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.conversation.id": attributes(generation)["gen_ai.conversation.id"],
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.response.finish_reasons": ["stop"],
        "tropism.use_case": traced.use_case,
        "tropism.completion_id": id,
        "tropism.cost_usd": pytest.approx(0.000092),
    }
    assert attributes(serving)["http.response.status_code"] == 200
    assert "tropism" in traced.collector.services


def test_each_attempt_is_a_span_and_a_failed_one_says_so(traced: Traced) -> None:
    bad = traced.upstream.model(traced.client, traced.use_case, fail)
    traced.client.models.update(bad, fallbacks=["echo"], use_case=traced.use_case)
    assert traced.ask().status_code == 200
    (failed,) = eventually(lambda: traced.collector.named(f"chat {bad}"))
    (answered,) = eventually(lambda: traced.collector.named("chat echo"))
    assert attributes(failed)["error.type"] == "engine_error"
    assert failed.status.code == 2
    assert "error.type" not in attributes(answered)
    assert failed.trace_id == answered.trace_id


def test_a_stream_that_is_left_ends_its_span(traced: Traced) -> None:
    async def begin(request: Request) -> None:
        request.begin()
        await request.say("one")
        await request.until_gone()

    far = traced.upstream.model(traced.client, traced.use_case, begin)
    with traced.client.chat.create(HELLO, use_case=traced.use_case, stream=True) as stream:
        next(iter(stream))
    (span,) = eventually(lambda: traced.collector.named(f"chat {far}"))
    assert attributes(span)["gen_ai.response.finish_reasons"] == ["cancelled"]


def test_metrics_come_by_their_conventional_names(traced: Traced) -> None:
    traced.ask("echo")
    names = {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"}
    assert eventually(lambda: names <= set(traced.collector.metrics))
    assert traced.collector.metrics["gen_ai.client.operation.duration"].unit == "s"
    assert traced.collector.metrics["gen_ai.client.token.usage"].unit == "{token}"


def test_no_content_leaves_unless_it_is_asked_for(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = f"secret{uuid4().hex}"
    traced.client.chat.create([{"role": "user", "content": secret}], use_case=traced.use_case, model="echo")
    eventually(lambda: traced.collector.named("chat echo"))
    assert secret not in str(traced.collector.spans)
    monkeypatch.setenv("TROPISM_OTLP_ENDPOINT", traced.collector.url)
    monkeypatch.setenv("TROPISM_OTLP_CONTENT", "1")
    with run_server(echo_models=("open",)) as server, Tropism(server.base_url, server.api_key) as client:
        client.use_cases.create("open")
        client.models.attach("open", make_default=True, wait=True, use_case="open")
        client.chat.create([{"role": "user", "content": secret}], use_case="open")
    (span,) = eventually(lambda: traced.collector.named("chat open"))  # sent before the server stopped
    said = json.loads(attributes(span)["gen_ai.input.messages"])
    assert said == [{"role": "user", "parts": [{"type": "text", "content": secret}]}]
    (output,) = json.loads(attributes(span)["gen_ai.output.messages"])
    assert secret in output["parts"][0]["content"]


def test_without_a_collector_the_callers_trace_is_passed_on_as_it_is(
    server: RunningServer, client: Tropism, use_case: str
) -> None:
    with run_upstream() as upstream:
        upstream.model(client, use_case, say)
        headers = {"Authorization": f"Bearer {server.api_key}", **CALLER, "tracestate": "a=b"}
        body = {"model": use_case, "messages": HELLO}
        assert httpx2.post(f"{server.base_url}{CHAT}", json=body, headers=headers).status_code == 200
        sent = upstream.requests[-1].headers
        assert (sent["traceparent"], sent["tracestate"]) == (CALLER["traceparent"], "a=b")
        client.chat.create(HELLO, use_case=use_case)
        assert "traceparent" not in upstream.requests[-1].headers


def test_a_collector_that_is_gone_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.use_cases.create("u")
        client.models.attach("echo", make_default=True, wait=True, use_case="u")
        assert client.chat.create(HELLO, use_case="u").choices
        with pytest.raises(tropism.NotFoundError):
            client.chat.create(HELLO, use_case="v")

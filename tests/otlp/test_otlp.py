"""Traces of other systems become interactions: sent by OpenTelemetry's own exporter, as protobuf and as JSON."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tropism import Tropism
from tropism.testing import RunningServer, run_server
from tropism.wire.interactions import Interaction

TRACES = "/api/v1/otlp/v1/traces"
QUESTION = [{"role": "user", "parts": [{"type": "text", "content": "How much?"}]}]
ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "Nine."}], "finish_reason": "stop"}]
CHAT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-x",
    "gen_ai.request.temperature": 0.25,
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
    "gen_ai.input.messages": json.dumps(QUESTION),
    "gen_ai.output.messages": json.dumps(ANSWER),
}


def value(given: Any) -> dict[str, Any]:
    match given:
        case bool():
            return {"boolValue": given}
        case int():
            return {"intValue": str(given)}
        case float():
            return {"doubleValue": given}
        case list():
            return {"arrayValue": {"values": [value(each) for each in given]}}
        case dict():
            return {"kvlistValue": {"values": attributes(given)}}
        case _:
            return {"stringValue": str(given)}


def attributes(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(each)} for key, each in given.items()]


def span(given: dict[str, Any], start: int = 1_760_000_000_000_000_000, **more: Any) -> dict[str, Any]:
    ids = {"traceId": uuid4().hex, "spanId": uuid4().hex[:16], "name": "chat gpt-x"}
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 1_500_000_000)}
    return {**ids, **times, "attributes": attributes(given), **more}


def export(*spans: dict[str, Any], **resource: Any) -> dict[str, Any]:
    of = {"attributes": attributes({name.replace("_", ".", 1): each for name, each in resource.items()})}
    return {"resourceSpans": [{"resource": of, "scopeSpans": [{"spans": list(spans)}]}]}


Send = Callable[..., httpx2.Response]


@pytest.fixture
def send(server: RunningServer) -> Send:
    def post(body: Any, use_case: str | None = None, **headers: str) -> httpx2.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{server.base_url}{TRACES}" + (f"?use_case={use_case}" if use_case else "")
        given = {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json", **headers}
        return httpx2.post(url, content=data, headers=given)

    return post


def logged(client: Tropism, use_case: str) -> list[Interaction]:
    return list(client.interactions.list_all(use_case=use_case))


def test_a_span_becomes_an_interaction(send: Send, client: Tropism, use_case: str) -> None:
    user = uuid4()
    more = {"gen_ai.conversation.id": "thread-7", "user.id": str(user)}
    answer = send(export(span(CHAT | more), service_name="shop"), use_case)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["content-type"] == "application/json"
    (found,) = logged(client, use_case)
    assert [(each.role, each.content) for each in found.messages] == [("user", "How much?")]
    assert (found.completion, found.finish_reason, found.source) == ("Nine.", "stop", "OFFLINE")
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (12, 3)
    assert (found.timings.latency_ms, found.parameters.temperature) == (1500, 0.25)
    assert found.labels == {"service": "shop", "model": "gpt-x", "provider": "openai"}
    assert (found.user, found.model) == (user, None)
    assert found.created_at.timestamp() == 1_760_000_001.5


def test_a_registered_model_is_linked_and_a_thread_is_a_session(send: Send, client: Tropism, use_case: str) -> None:
    turn = CHAT | {"gen_ai.request.model": "echo-a", "gen_ai.conversation.id": "thread-8"}
    send(export(span(turn), span(turn), span(turn | {"gen_ai.conversation.id": str(UUID(int=5))})), use_case)
    found = logged(client, use_case)
    assert {each.model for each in found} == {"echo-a"}
    assert len({each.session_id for each in found}) == 2
    assert UUID(int=5) in {each.session_id for each in found}


def test_what_was_measured_elsewhere_costs_nothing_here(send: Send, client: Tropism, use_case: str) -> None:
    send(export(span(CHAT)), use_case)
    assert client.costs.query(use_case=use_case).total.requests == 0


def test_an_export_that_is_repeated_logs_nothing_twice(send: Send, client: Tropism, use_case: str) -> None:
    one = export(span(CHAT))
    assert [send(one, use_case).json() for _ in range(2)] == [{}, {}]
    assert len(logged(client, use_case)) == 1


def test_the_span_or_its_resource_names_the_use_case(send: Send, client: Tropism, use_case: str) -> None:
    send(export(span(CHAT | {"tropism.use_case": use_case})), "nothing-of-the-kind")
    send(
        {
            "resourceSpans": [
                export(span(CHAT))["resourceSpans"][0]
                | {"resource": {"attributes": attributes({"tropism.use_case": use_case})}}
            ]
        }
    )
    assert len(logged(client, use_case)) == 2


@pytest.mark.parametrize(
    ("given", "events"),
    [
        (
            {
                "gen_ai.prompt.0.role": "system",
                "gen_ai.prompt.0.content": "Be brief.",
                "gen_ai.prompt.1.role": "user",
                "gen_ai.prompt.1.content": "How much?",
                "gen_ai.completion.0.content": "Nine.",
                "gen_ai.completion.0.finish_reason": "length",
            },
            [],
        ),
        (
            {},
            [
                ("gen_ai.system.message", {"content": "Be brief."}),
                ("gen_ai.user.message", {"content": "How much?"}),
                ("gen_ai.choice", {"finish_reason": "length", "message": '{"role": "assistant", "content": "Nine."}'}),
            ],
        ),
        (
            {
                "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
                "gen_ai.input.messages": QUESTION,
                "gen_ai.output.messages": [{**ANSWER[0], "finish_reason": "length"}],
            },
            [],
        ),
    ],
    ids=["openllmetry", "events", "structured"],
)
def test_other_ways_of_writing_it_down_are_read(
    send: Send, client: Tropism, use_case: str, given: dict[str, Any], events: list[tuple[str, dict[str, Any]]]
) -> None:
    happened = [{"name": name, "attributes": attributes(said)} for name, said in events]
    answer = send(export(span({"gen_ai.operation.name": "chat"} | given, events=happened)), use_case)
    assert answer.json() == {}
    (found,) = logged(client, use_case)
    said = [(each.role, each.content) for each in found.messages]
    assert said == [("system", "Be brief."), ("user", "How much?")]
    assert (found.completion, found.finish_reason) == ("Nine.", "length")


def test_the_refused_are_counted_with_their_reasons_and_the_others_are_logged(
    send: Send, client: Tropism, use_case: str
) -> None:
    without_content = {name: each for name, each in CHAT.items() if not name.endswith("messages")}
    spans = [
        span(CHAT),
        span(without_content),
        span(CHAT | {"gen_ai.input.messages": "not json"}),
        span(CHAT | {"gen_ai.input.messages": "[" * 3000 + "]" * 3000}),
        span(CHAT | {"tropism.use_case": "nothing-of-the-kind"}),
        span(CHAT, start=9_000_000_000_000_000_000),
        span({"http.request.method": "GET"}),
        span({"gen_ai.operation.name": "execute_tool"}),
    ]
    partial = send(export(*spans), use_case).json()["partialSuccess"]
    assert partial["rejectedSpans"] == "5"
    for reason in ("holds no messages", "no JSON", "nothing-of-the-kind", "future"):
        assert reason in partial["errorMessage"]
    assert len(logged(client, use_case)) == 1


HUGE = 2**200


@pytest.mark.parametrize(
    "odd",
    [
        {"gen_ai.request.temperature": "hot"},
        {"gen_ai.request.seed": HUGE},
        {"gen_ai.request.stop_sequences": "a text"},
        {"gen_ai.request.model": ["echo-a"]},
        {"gen_ai.usage.input_tokens": HUGE},
        {"user.id": {"a": "b"}},
        {"tropism.use_case": ["nothing-of-the-kind"]},
        {"gen_ai.conversation.id": "\0"},
    ],
    ids=str,
)
def test_a_span_that_makes_no_sense_takes_nothing_with_it(
    send: Send, client: Tropism, use_case: str, odd: dict[str, Any], tmp_path: Path
) -> None:
    """Neither the others of its export, nor the lists and exports of the log that it is in."""
    answer = send(export(span(CHAT), span(CHAT | odd), a=HUGE), use_case)
    assert answer.status_code == 200
    assert len(logged(client, use_case)) >= 1
    assert client.interactions.export(tmp_path / "log.jsonl", use_case=use_case) >= 1


def test_a_time_that_no_calendar_has_is_refused(send: Send, client: Tropism, use_case: str) -> None:
    for nanoseconds in (2**63, 2**64 - 1, HUGE, "9" * 5000, "soon", -5):
        assert send(export(span(CHAT, endTimeUnixNano=str(nanoseconds))), use_case).status_code == 200
    assert {each.created_at.year for each in logged(client, use_case)} <= {1970}


def test_the_answer_of_a_tool_is_read(send: Send, client: Tropism, use_case: str) -> None:
    turns = [*QUESTION, {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call-1", "response": "9"}]}]
    send(export(span(CHAT | {"gen_ai.input.messages": json.dumps(turns)})), use_case)
    (found,) = logged(client, use_case)
    assert (found.messages[1].role, found.messages[1].content) == ("tool", "9")
    assert found.messages[1].tool_call_id == "call-1"


def test_nobody_takes_the_place_of_another_teams_span(send: Send, client: Tropism, use_case: str) -> None:
    """Who is called gets to know the ids of a trace."""
    one = export(span(CHAT))
    client.use_cases.create(f"{use_case}-other", team="default")
    assert send(one, f"{use_case}-other").json() == {}
    assert send(one, use_case).json() == {}
    assert len(logged(client, use_case)) == len(logged(client, f"{use_case}-other")) == 1


def test_without_a_use_case_it_says_how_to_name_one(send: Send) -> None:
    partial = send(export(span(CHAT))).json()["partialSuccess"]
    assert (partial["rejectedSpans"], "?use_case=" in partial["errorMessage"]) == ("1", True)


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_opentelemetrys_own_exporter_sends_it(
    server: RunningServer, client: Tropism, use_case: str, compression: Compression
) -> None:
    exporter = OTLPSpanExporter(
        f"{server.base_url}{TRACES}",
        headers={"authorization": f"Bearer {server.api_key}"},
        compression=compression,
    )
    tracing = TracerProvider(resource=Resource({"tropism.use_case": use_case}), shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    with tracing.get_tracer("a test").start_as_current_span("chat gpt-x", attributes=CHAT):
        pass
    tracing.shutdown()
    (found,) = logged(client, use_case)
    assert (found.completion, found.usage and found.usage.prompt_tokens) == ("Nine.", 12)


def test_protobuf_is_answered_with_protobuf(send: Send, use_case: str) -> None:
    from google.protobuf.json_format import ParseDict

    body = export(span(CHAT), span({"gen_ai.operation.name": "chat"}))
    for each in body["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        del each["traceId"], each["spanId"]
    message = ParseDict(body, ExportTraceServiceRequest())
    answer = send(message.SerializeToString(), use_case, **{"Content-Type": "application/x-protobuf"})
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 1


def test_our_own_traces_come_back_as_interactions(
    client: Tropism, server: RunningServer, use_case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One Tropism tells another: what it exports with content is what this one reads."""
    monkeypatch.setenv("TROPISM_OTLP_ENDPOINT", f"{server.base_url}/api/v1/otlp")
    monkeypatch.setenv("TROPISM_OTLP_CONTENT", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization={quote(f'Bearer {server.api_key}')}")
    with run_server() as other, Tropism(other.base_url, other.api_key) as theirs:
        theirs.use_cases.create(use_case)
        theirs.models.attach("echo", make_default=True, wait=True, use_case=use_case)
        said = theirs.chat.create([{"role": "user", "content": "Tell the other one."}], use_case=use_case)
    (found,) = logged(client, use_case)
    assert found.completion == said.choices[0].message.content
    assert found.messages[0].content == "Tell the other one."
    assert found.session_id == said.session_id


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xff\xff", 400),
        (gzip.compress(b"{}")[:-9], 400),
        (b"\x1f\x8bnothing", 400),
        (b'{"resourceSpans": 5}', 422),
        (gzip.compress(bytes(40 * 2**20)), 413),
    ],
    ids=["json", "protobuf", "cut", "gzip", "shape", "bomb"],
)
def test_what_is_no_export_is_refused(send: Send, use_case: str, body: bytes, status: int) -> None:
    assert send(body, use_case).status_code == status


def test_an_empty_export_is_fine(send: Send) -> None:
    assert send(b"").status_code == 200
    assert send(b"{}").json() == {}


def test_a_key_without_the_permission_is_refused(send: Send, client: Tropism, use_case: str) -> None:
    key = client.api_keys.create("reads", permissions=["use_case:read"]).key
    assert send(export(span(CHAT)), use_case, Authorization=f"Bearer {key}").status_code == 403
    assert logged(client, use_case) == []

"""Traces and metrics to an OpenTelemetry collector, over OTLP. Imported only where one is named."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tropism.server.observability import genai
from tropism.server.observability.genai import provider_name
from tropism.server.observability.observing import Asked, Span, Told
from tropism.version import __version__

_propagator = TraceContextTextMapPropagator()
_encode = msgspec.json.Encoder().encode


class OpenTelemetry:
    """What `OTEL_*` variables say beyond the endpoint (headers, sampling, the service's name), the SDK reads itself."""

    def __init__(self, endpoint: str, with_content: bool) -> None:
        self._with_content, base = with_content, endpoint.rstrip("/")
        ours = Resource({"service.name": "tropism", "service.version": __version__})
        resource = Resource.create().merge(ours).merge(OTELResourceDetector().detect())
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces")))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/v1/metrics"))
        self._metrics = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._tracer, meter = self._traces.get_tracer("tropism"), self._metrics.get_meter("tropism")
        self._duration = meter.create_histogram(genai.OPERATION_DURATION, "s", "How long models took.")
        self._tokens = meter.create_histogram(genai.TOKEN_USAGE, "{token}", "Tokens read and written.")
        self._first = meter.create_histogram(genai.FIRST_CHUNK, "s", "Until a stream began.")

    def serving(self, method: str, route: str, id: str, headers: Mapping[str, str]) -> Serving:
        """A request: part of its caller's trace, if it says so."""
        attributes = {"http.request.method": method, "http.route": route, genai.REQUEST: id}
        context = _propagator.extract(headers)
        span = self._tracer.start_span(f"{method} {route}", context, trace.SpanKind.SERVER, attributes)
        return Serving(span)

    def generating(self, asked: Asked, parent: Span | None) -> Generation:
        """One attempt at an answer."""
        attributes = {
            genai.OPERATION: asked.operation,
            genai.PROVIDER: provider_name(asked.provider),
            genai.REQUEST_MODEL: asked.model,
            genai.USE_CASE: asked.use_case,
        }
        span = self._tracer.start_span(
            f"{asked.operation} {asked.model}",
            trace.set_span_in_context(parent.span) if isinstance(parent, Serving) else None,
            trace.SpanKind.CLIENT,
            {**attributes, **self._details(asked)},
        )
        return Generation(self, span, asked, attributes)

    def _details(self, asked: Asked) -> dict[str, Any]:
        given: dict[str, Any] = {genai.CONVERSATION: asked.session, genai.COMPLETION: asked.completion}
        given = {name: str(id) for name, id in given.items() if id is not None}
        if asked.prompt is None:
            return given
        for ours, name in genai.PARAMETERS.items():
            if (value := getattr(asked.prompt, ours)) not in (None, ()):
                given[name] = value
        if self._with_content:
            given[genai.INPUT_MESSAGES] = _encode([_message(m.role, m.text) for m in asked.prompt.messages]).decode()
        return given

    def told(self, span: trace.Span, told: Told, attributes: Mapping[str, str], seconds: float) -> None:
        """Write down how an attempt ended."""
        said = {**attributes, **({genai.ERROR_TYPE: told.error} if told.error else {})}
        self._duration.record(seconds, said)
        if told.first_seconds is not None:
            self._first.record(told.first_seconds, attributes)
        for type, tokens in (("input", told.prompt_tokens), ("output", told.completion_tokens)):
            if tokens is not None:
                self._tokens.record(tokens, {**attributes, genai.TOKEN_TYPE: type})
        span.set_attributes(_ending(told))
        if self._with_content and told.text:
            output = _message("assistant", told.text) | {"finish_reason": told.finish_reason or "stop"}
            span.set_attribute(genai.OUTPUT_MESSAGES, _encode([output]).decode())
        if told.error:
            span.set_status(trace.StatusCode.ERROR)
        span.end()

    def close(self) -> None:
        """Send what is left; a collector that is gone holds nobody up for long."""
        self._traces.force_flush(2_000)
        self._traces.shutdown()
        self._metrics.shutdown(2_000)


class Serving:
    """The span of a request."""

    def __init__(self, span: trace.Span) -> None:
        self.span = span
        self.headers = _headers(span)

    def end(self, status: int) -> None:
        self.span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self.span.set_attribute(genai.ERROR_TYPE, str(status))
            self.span.set_status(trace.StatusCode.ERROR)
        self.span.end()


class Generation:
    """The span of an attempt."""

    def __init__(self, to: OpenTelemetry, span: trace.Span, asked: Asked, attributes: Mapping[str, str]) -> None:
        self._to, self._span, self._asked, self._attributes = to, span, asked, attributes
        self._began = time.perf_counter()
        self.headers = _headers(span)

    def end(self, told: Told) -> None:
        self._to.told(self._span, told, self._attributes, time.perf_counter() - self._began)


def _ending(told: Told) -> dict[str, Any]:
    found: dict[str, Any] = {
        genai.INPUT_TOKENS: told.prompt_tokens,
        genai.OUTPUT_TOKENS: told.completion_tokens,
        genai.COST: told.cost_usd,
        genai.ERROR_TYPE: told.error,
        genai.FINISH_REASONS: [told.finish_reason] if told.finish_reason else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _headers(span: trace.Span) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    _propagator.inject(headers, trace.set_span_in_context(span))
    return headers


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}

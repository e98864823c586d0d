"""Figures for Prometheus: counted as things happen, shown when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from tropism.server.observability.genai import provider_name

if TYPE_CHECKING:
    from tropism.server.observability.observing import Asked, Told

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
State = Callable[[], Iterable[tuple[str, str, dict[str, float]]]]
"""Gauges as they are now: their names, what they say, and their values by model."""


class Metrics:
    """The figures of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        r: dict[str, Any] = {"registry": self._registry}
        names = ("http_request_method", "http_route", "http_response_status_code")
        self._requests = Histogram(
            "http_server_request_duration_seconds", "How long requests took.", names, buckets=SECONDS, **r
        )
        asked = ("use_case", "model", "gen_ai_operation_name", "gen_ai_provider_name")
        self._durations = Histogram(
            "gen_ai_client_operation_duration_seconds",
            "How long models took.",
            (*asked, "error_type"),
            buckets=SECONDS,
            **r,
        )
        self._first = Histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds", "Until a stream began.", asked, buckets=SECONDS, **r
        )
        self._tokens = Counter("gen_ai_client_token_usage", "Tokens.", (*asked, "gen_ai_token_type"), **r)
        self._cost = Counter("tropism_cost_usd", "Known costs in US dollars.", ("use_case", "model"), **r)
        self._cache = Counter(
            "tropism_cache_lookups", "Questions that may be answered from the cache.", ("use_case", "result"), **r
        )
        # Looking up a child by its labels costs as much as counting.
        self._requests_of = lru_cache(4096)(self._requests.labels)
        self._durations_of = lru_cache(4096)(self._durations.labels)
        self._tokens_of = lru_cache(4096)(self._tokens.labels)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests_of(method, route, str(status)).observe(seconds)

    def answered(self, asked: Asked, told: Told, seconds: float) -> None:
        """A model has answered, or failed."""
        labels = (asked.use_case, asked.model, asked.operation, provider_name(asked.provider))
        self._durations_of(*labels, told.error or "").observe(seconds)
        if told.first_seconds is not None:
            self._first.labels(*labels).observe(told.first_seconds)
        if told.prompt_tokens is not None:
            self._tokens_of(*labels, "input").inc(told.prompt_tokens)
        if told.completion_tokens is not None:
            self._tokens_of(*labels, "output").inc(told.completion_tokens)
        if told.cost_usd:
            self._cost.labels(asked.use_case, asked.model).inc(told.cost_usd)

    def looked_up(self, use_case: str, result: str) -> None:
        """The cache was asked: a `hit` or a `miss`."""
        self._cache.labels(use_case, result).inc()

    def watch(self, state: State) -> None:
        """Show this state, too, whenever somebody looks."""
        self._registry.register(_Gauges(state))

    def text(self, use_cases: Collection[str]) -> bytes:
        """As Prometheus reads it, all but what is about other use cases than these."""
        return generate_latest(_Part(self._registry, use_cases))

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Show it to everybody on a port of its own; returns how to stop that."""
        server, thread = start_http_server(port, host, self._registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a registry is about some use cases, or about none."""

    registry: CollectorRegistry
    use_cases: Collection[str]

    def collect(self) -> Iterable[Metric]:
        for family in self.registry.collect():
            family.samples = [each for each in family.samples if self._shows(each.labels.get("use_case"))]
            yield family

    def _shows(self, use_case: str | None) -> bool:
        return use_case is None or use_case in self.use_cases


class _Gauges:
    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        for name, help, values in self._state():
            gauge = GaugeMetricFamily(name, help, labels=["model"] if "" not in values else [])
            for model, value in values.items():
                gauge.add_metric([model] if model else [], value)
            yield gauge

"""OTLP: traces of other systems, as interactions. The structs are those of OTLP in JSON, as far as we read it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from tropism.wire.endpoint import Endpoint
from tropism.wire.values import Reference


class AnyValue(Struct, kw_only=True, frozen=True, rename="camel"):
    """One value of an attribute."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | None = None
    array_value: ArrayValue | None = None
    kvlist_value: KeyValues | None = None


class ArrayValue(Struct, kw_only=True, frozen=True):
    """A list of values."""

    values: list[AnyValue] = []


class KeyValue(Struct, kw_only=True, frozen=True):
    """One attribute."""

    key: str = ""
    value: AnyValue = AnyValue()


class KeyValues(Struct, kw_only=True, frozen=True):
    """An object of values."""

    values: list[KeyValue] = []


class SpanEvent(Struct, kw_only=True, frozen=True):
    """Something that happened within a span."""

    name: str = ""
    attributes: list[KeyValue] = []


class OtlpSpan(Struct, kw_only=True, frozen=True, rename="camel"):
    """One span."""

    trace_id: str = ""
    span_id: str = ""
    name: str = ""
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: list[KeyValue] = []
    events: list[SpanEvent] = []


class ScopeSpans(Struct, kw_only=True, frozen=True):
    """Spans of one library."""

    spans: list[OtlpSpan] = []


class OtlpResource(Struct, kw_only=True, frozen=True):
    """What the spans come from."""

    attributes: list[KeyValue] = []


class ResourceSpans(Struct, kw_only=True, frozen=True, rename="camel"):
    """Spans of one service."""

    resource: OtlpResource = OtlpResource()
    scope_spans: list[ScopeSpans] = []


class OtlpExport(Struct, kw_only=True, frozen=True, rename="camel"):
    """One export of traces."""

    resource_spans: list[ResourceSpans] = []


class PartialSuccess(Struct, kw_only=True, frozen=True, rename="camel", omit_defaults=True):
    """What was refused of an export, and why. As JSON of OTLP has it, large numbers are strings."""

    rejected_spans: str = "0"
    error_message: str = ""


class OtlpExported(Struct, kw_only=True, frozen=True, rename="camel", omit_defaults=True):
    """The answer to an export; without `partialSuccess`, nothing was refused."""

    partial_success: PartialSuccess | None = field(default=None)


class OtlpTarget(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The use case of spans that name none in the attribute `tropism.use_case`."""

    use_case: Reference | None = None


TRACES: Endpoint[Any, Any] = Endpoint(
    method="POST",
    path="/api/v1/otlp/v1/traces",
    takes=OtlpTarget,
    returns=OtlpExported,
    permission="interaction:create",
    summary="Log the calls of models in OpenTelemetry traces of other systems",
    receives="application/x-protobuf",
    replayable=False,
    audited=False,
)

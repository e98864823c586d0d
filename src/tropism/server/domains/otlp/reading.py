"""Reading an export of traces: protobuf or JSON, compressed or not."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Any

import msgspec

from tropism.server.errors import InvalidRequest, MalformedRequest, TooLarge
from tropism.wire.otlp import AnyValue, KeyValue, OtlpExport, OtlpExported

_GZIP = b"\x1f\x8b"
_decode = msgspec.json.Decoder(OtlpExport).decode
_encode = msgspec.json.Encoder().encode


def unpacked(body: bytes, limit: int) -> bytes:
    """The body as it was before it was compressed; collectors do that."""
    if not body.startswith(_GZIP):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise MalformedRequest(f"the body is no gzip: {error}") from None
    if not unpacker.eof and len(data) <= limit:
        raise MalformedRequest("the body is a gzip that was cut short")
    if len(data) > limit:
        raise TooLarge(f"the body is longer than {limit} bytes; TROPISM_MAX_BODY_BYTES sets the limit")
    return data


def is_json(body: bytes) -> bool:
    """A message of protobuf begins with the number of its one field, and never with a brace."""
    return body.lstrip(b" \t\r\n")[:1] == b"{"


def read(body: bytes) -> OtlpExport:
    """The spans; what we do not know in them is left out."""
    try:
        return _decode(body) if is_json(body) else msgspec.convert(_from_protobuf(body), OtlpExport)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the export is not OTLP: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"the body is no JSON: {error}") from None


def answer(body: bytes, exported: OtlpExported) -> tuple[bytes, str]:
    """The answer in the language of the question, and its media type."""
    if is_json(body):
        return _encode(exported), "application/json"
    message = _messages().ExportTraceServiceResponse()
    if exported.partial_success is not None:
        message.partial_success.rejected_spans = int(exported.partial_success.rejected_spans)
        message.partial_success.error_message = exported.partial_success.error_message
    return bytes(message.SerializeToString()), "application/x-protobuf"


def attributes(given: list[KeyValue]) -> dict[str, Any]:
    """Attributes as plain values."""
    return {each.key: plain(each.value) for each in given}


def readable(given: list[KeyValue]) -> dict[str, Any]:
    """Attributes of what many spans have in common: one that makes no sense is left out."""
    found: dict[str, Any] = {}
    for each in given:
        with suppress(ValueError):
            found[each.key] = plain(each.value)
    return found


def plain(value: AnyValue) -> Any:
    if value.array_value is not None:
        return [plain(each) for each in value.array_value.values]
    if value.kvlist_value is not None:
        return attributes(value.kvlist_value.values)
    if value.int_value is not None:
        return whole(value.int_value)
    simple = (value.string_value, value.bool_value, value.double_value)
    return next((each for each in simple if each is not None), None)


def whole(given: int | str) -> int:
    """A whole number of 64 bits, which JSON writes as text; ValueError for any other."""
    number = int(given)
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"{str(given)[:40]} is no number of 64 bits")
    return number


def _from_protobuf(body: bytes) -> Any:
    from google.protobuf.json_format import MessageToDict
    from google.protobuf.message import DecodeError

    messages = _messages()
    try:
        return MessageToDict(messages.ExportTraceServiceRequest.FromString(body))
    except DecodeError as error:
        raise MalformedRequest(f"the body is neither protobuf nor JSON of OTLP: {error}") from None


def _messages() -> Any:
    try:
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
    except ModuleNotFoundError as missing:
        raise InvalidRequest(
            f"protobuf needs the Python package {missing.name!r} on the server: pip install 'tropism[otel]'; "
            "or send JSON (OTEL_EXPORTER_OTLP_PROTOCOL=http/json)"
        ) from missing
    return trace_service_pb2

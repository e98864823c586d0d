"""What a span says of a call of a model: its messages, tokens and times, however the writing library called them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec

from tropism.server.clock import first_id_at, milliseconds
from tropism.server.domains.interactions.service import Figures
from tropism.server.domains.otlp.reading import attributes, whole
from tropism.server.observability import genai
from tropism.wire.interactions import GenerationParameters
from tropism.wire.otlp import OtlpSpan

OPERATIONS = {"chat", "text_completion", "generate_content"}
LONGEST_LABEL = 256
_NAMES = UUID("5d0ab5f1-0c59-4f0a-9d3a-4a3c3f0f7f0e")
_INDEXED = re.compile(r"gen_ai\.(prompt|completion)\.(\d+)\.(role|content|finish_reason)")
_ROLES = {"system", "user", "assistant", "tool", "document"}


class NotReadable(Exception):
    """A span of a model's call that cannot become an interaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One call of a model by another system."""

    span: str
    """The ids of its trace and of itself."""
    ended_ms: int
    use_case: str | None
    model: str | None
    messages: list[dict[str, str]]
    completion: str
    session_id: UUID
    user: UUID | None
    labels: dict[str, str]
    figures: Figures


def call_of(span: OtlpSpan, resource: Mapping[str, Any]) -> ModelCall | None:
    """The call that a span tells of; None if it tells of something else."""
    said = attributes(span.attributes)
    if said.get(genai.OPERATION) not in OPERATIONS:
        return None
    messages, completion, finish = _conversation(span, said)
    if not messages or completion is None:
        raise NotReadable(f"span {span.name!r} holds no messages; let the library that writes it capture content")
    start, end = whole(span.start_time_unix_nano), whole(span.end_time_unix_nano)
    return ModelCall(
        span=f"{span.trace_id} {span.span_id}",
        ended_ms=(end or start) // 1_000_000,
        use_case=_name(said.get(genai.USE_CASE)) or _name(resource.get(genai.USE_CASE)),
        model=_name(said.get(genai.REQUEST_MODEL)) or _name(said.get(genai.RESPONSE_MODEL)),
        messages=messages,
        completion=completion,
        session_id=_named(said.get(genai.CONVERSATION) or f"trace {span.trace_id}"),
        user=_named(user) if (user := said.get("user.id") or said.get("enduser.id")) else None,
        labels=_labels(said, resource),
        figures={
            "finish_reason": "length" if finish in ("length", "max_tokens") else "stop",
            "prompt_tokens": _number(said, genai.INPUT_TOKENS, "gen_ai.usage.prompt_tokens"),
            "completion_tokens": _number(said, genai.OUTPUT_TOKENS, "gen_ai.usage.completion_tokens"),
            "latency_ms": (end - start) / 1e6 if 0 < start <= end else None,
            "parameters": _parameters(said),
        },
    )


def _conversation(span: OtlpSpan, said: Mapping[str, Any]) -> tuple[list[dict[str, str]], str | None, str | None]:
    """Messages, completion and finish reason; from the conventions of today, of before, or of OpenLLMetry."""
    if genai.INPUT_MESSAGES in said:
        system = _parts(_decoded(said.get(genai.SYSTEM_INSTRUCTIONS)) or [])
        messages = [{"role": "system", "content": system}] if system else []
        messages += [_message(each) for each in _decoded(said[genai.INPUT_MESSAGES]) or []]
        output = _decoded(said.get(genai.OUTPUT_MESSAGES)) or []
        last = output[0] if output and isinstance(output[0], dict) else None
        return messages, _text(last) if last else None, last.get("finish_reason") if last else None
    if found := _indexed(said):
        return found
    return _events(span)


def _indexed(said: Mapping[str, Any]) -> tuple[list[dict[str, str]], str | None, str | None] | None:
    turns: dict[tuple[str, int], dict[str, Any]] = {}
    for name, value in said.items():
        if match := _INDEXED.fullmatch(name):
            turns.setdefault((match[1], int(match[2])), {})[match[3]] = value
    prompts = [_message(turns[place]) for place in sorted(turns) if place[0] == "prompt"]
    answer = turns.get(("completion", 0))
    return (prompts, _text(answer), answer.get("finish_reason")) if prompts and answer else None


def _events(span: OtlpSpan) -> tuple[list[dict[str, str]], str | None, str | None]:
    messages: list[dict[str, str]] = []
    completion = finish = None
    for event in span.events:
        said = attributes(event.attributes)
        role = event.name.removeprefix("gen_ai.").removesuffix(".message")
        if event.name == "gen_ai.choice":
            message = _decoded(said.get("message"))
            completion, finish = _text(message if isinstance(message, dict) else said), said.get("finish_reason")
        elif role in _ROLES:
            messages.append(_message({**said, "role": role}))
    return messages, completion, finish


def _message(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        raise NotReadable("a message is no object with role and parts")
    role = given.get("role")
    message = {"role": role if role in _ROLES else "user", "content": _text(given)}
    return message | {"tool_call_id": _answered(given)} if role == "tool" else message


def _answered(given: Mapping[str, Any]) -> str:
    """The id of the call that a tool answers, wherever it stands."""
    parts = given.get("parts")
    named = [given, *(parts if isinstance(parts, list) else ())]
    ids = (each.get(name) for each in named if isinstance(each, dict) for name in ("tool_call_id", "id"))
    return next((each for each in ids if isinstance(each, str)), "unknown")[:LONGEST_LABEL]


def _text(given: Mapping[str, Any]) -> str:
    content = given.get("parts", given.get("content"))
    return content if isinstance(content, str) else _parts(content if isinstance(content, list) else [])


def _parts(parts: Sequence[Any]) -> str:
    """The text among the parts; what is no text is left out."""
    found = (part.get("content", part.get("text", part.get("response"))) for part in parts if isinstance(part, dict))
    return "\n".join(each for each in found if isinstance(each, str))


def _decoded(value: Any) -> Any:
    """A structure, also where it was written as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotReadable(f"its messages are no JSON: {error}") from None


def id_in(use_case_id: UUID, call: ModelCall) -> UUID:
    """The same for the same span, so that an export which is repeated logs nothing twice; in order of time.

    Of the use case, too: whoever knows another team's span could otherwise take its place.
    """
    digest = hashlib.blake2b(call.span.encode(), digest_size=10, key=use_case_id.bytes).digest()
    random = int.from_bytes(digest) & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return UUID(int=first_id_at(call.ended_ms).int | random)


def _name(said: Any) -> str | None:
    return said if isinstance(said, str) else None


def _named(text: Any) -> UUID:
    """An id, or one that always stands for the same name."""
    try:
        return UUID(str(text))
    except ValueError:
        return uuid5(_NAMES, str(text))


def _labels(said: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, str]:
    """What filters may ask for."""
    found = {
        "service": resource.get("service.name"),
        "model": said.get(genai.RESPONSE_MODEL) or said.get(genai.REQUEST_MODEL),
        "provider": said.get(genai.PROVIDER) or said.get("gen_ai.system"),
    }
    return {name: str(value)[:LONGEST_LABEL] for name, value in found.items() if value}


def _parameters(said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Those that can be shown as parameters; of a temperature in words, nobody would find the log any more."""
    given = {ours: said[name] for ours, name in genai.PARAMETERS.items() if name in said}
    return {name: value for name, value in given.items() if _fits(name, value)} or None


def _fits(name: str, value: Any) -> bool:
    try:
        msgspec.convert({name: value}, GenerationParameters)
    except msgspec.ValidationError:
        return False
    return True


def _number(said: Mapping[str, Any], *names: str) -> int | None:
    found = next((said[name] for name in names if isinstance(said.get(name), int)), None)
    return found if found is None or 0 <= found < 2**31 else None


def is_past(call: ModelCall, now: datetime) -> bool:
    """Clocks differ, but not by a day."""
    return call.ended_ms <= milliseconds(now + timedelta(days=1))

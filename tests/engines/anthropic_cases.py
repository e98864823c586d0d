"""Answers of Anthropic's Messages API, after its published schema and examples; the tests let its own SDK read them."""

from __future__ import annotations

import json
from typing import Any

USAGE = {
    "input_tokens": 25,
    "output_tokens": 40,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 100,
    "output_tokens_details": {"thinking_tokens": 12},
    "service_tier": "standard",
}


def message(*content: dict[str, Any], stop_reason: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    """A whole answer."""
    head = {"id": "msg_013Zva2CMHLNnXjNJJKqJ2EF", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5"}
    return {**head, "content": content, "stop_reason": stop_reason, "stop_sequence": None, "usage": USAGE, **more}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "citations": None}


THOUGHT = {"type": "thinking", "thinking": "Rome, then Oslo.", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxB"}
HIDDEN = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP"}


def call(id: str, **input: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "weather", "input": input, "caller": {"type": "direct"}}


def event(type: str, **fields: Any) -> bytes:
    """One event of a stream, with its name beside the data as the API sends it."""
    return f"event: {type}\ndata: {json.dumps({'type': type, **fields})}\n\n".encode()


def block(index: int, begun: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    """The events of one content block."""
    return [
        event("content_block_start", index=index, content_block=begun),
        *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
        event("content_block_stop", index=index),
    ]


def stream(*blocks: list[bytes], stop_reason: str = "end_turn") -> list[bytes]:
    """All events of an answer."""
    counted = {**USAGE, "output_tokens": 1, "output_tokens_details": None}
    final = {"output_tokens": 40, "output_tokens_details": {"thinking_tokens": 12}}
    return [
        event("message_start", message=message(stop_reason=None, usage=counted)),
        event("ping"),
        *(each for events in blocks for each in events),
        event("message_delta", delta={"stop_reason": stop_reason, "stop_sequence": None}, usage=final),
        event("message_stop"),
    ]


def words(index: int, *parts: str) -> list[bytes]:
    return block(index, text(""), *({"type": "text_delta", "text": part} for part in parts))


def thinking(index: int) -> list[bytes]:
    begun = {"type": "thinking", "thinking": "", "signature": ""}
    deltas = [{"type": "thinking_delta", "thinking": part} for part in ("Rome, ", "then Oslo.")]
    return block(index, begun, *deltas, {"type": "signature_delta", "signature": THOUGHT["signature"]})


def calling(index: int, id: str, *parts: str) -> list[bytes]:
    begun = call(id)
    return block(index, begun, *({"type": "input_json_delta", "partial_json": part} for part in parts))

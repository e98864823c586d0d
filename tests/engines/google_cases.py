"""Answers of Google's generateContent, after its published schema and examples; the tests let its own SDK read them."""

from __future__ import annotations

import json
from typing import Any

SIGNATURE = "CiQB0e2Kb6syZ0tGhQ=="
USAGE = {
    "promptTokenCount": 30,
    "candidatesTokenCount": 7,
    "thoughtsTokenCount": 12,
    "cachedContentTokenCount": 20,
    "totalTokenCount": 49,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 30}],
}


def answer(*parts: dict[str, Any], reason: str | None = "STOP", usage: Any = USAGE, **more: Any) -> dict[str, Any]:
    """A whole answer, or one event of a stream."""
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0, **more}
    head = {"modelVersion": "gemini-3.5-flash", "responseId": "qGEzaYmYKPnrMZQP4pPFwAw"}
    return {**head, "candidates": [candidate | ({"finishReason": reason} if reason else {})], "usageMetadata": usage}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"text": words, **more}


def call(id: str | None, signature: str | None = None, **args: Any) -> dict[str, Any]:
    called = {"name": "weather", "args": args} | ({"id": id} if id else {})
    return {"functionCall": called} | ({"thoughtSignature": signature} if signature else {})


def event(body: dict[str, Any]) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(body).encode() + b"\r\n\r\n"


BLOCKED = {
    "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
    "usageMetadata": {"promptTokenCount": 30, "totalTokenCount": 30},
}


def error(code: int, status: str, words: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": words, "status": status}}

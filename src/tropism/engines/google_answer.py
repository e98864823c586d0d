"""Answers of Google's generateContent, whole and in events, and vectors. No input or output of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tropism.engines.events import EventStream
from tropism.engines.fragments import Fragments
from tropism.engines.google_wire import Answer, Candidate, Counted, Likely, Part, Probabilities, Vectors
from tropism.engines.keepsakes import Keepsakes
from tropism.engines.openai_wire import UNREADABLE, error_fields, error_message, excerpt
from tropism.engines.protocol import Embeddings, EngineError, FinishReason, Piece, Usage
from tropism.engines.provider_errors import refused
from tropism.wire.logprobs import TokenLogprob, TopLogprob
from tropism.wire.tools import ToolCallDelta

_decode_answer = msgspec.json.Decoder(Answer).decode
_decode_vectors = msgspec.json.Decoder(Vectors).decode
_encode = msgspec.json.Encoder().encode

_FINISHES: Mapping[str, FinishReason] = {
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
            *("ESCALATION", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
        ),
        "content_filter",
    ),
}
_FAILURES = frozenset(
    {
        *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),
        *("MALFORMED_RESPONSE", "PUP_LIMITED_DISABLED", "NO_IMAGE", "IMAGE_OTHER"),
    }
)
"""The model has ended, but not with an answer."""


class Reader:
    """Makes pieces of the answers to one request: of one, or of those that are a stream's events."""

    def __init__(self, signatures: Keepsakes) -> None:
        self._signatures = signatures
        self._calls = Fragments()
        self.finished = False

    def read(self, body: bytes) -> Piece | None:
        """What this answer adds; None for nothing."""
        try:
            answer = _decode_answer(body)
        except UNREADABLE as error:
            raise EngineError(f"the provider's answer is not in Google's format: {excerpt(body)}") from error
        if answer.error is not None:
            raise _reported(body)
        usage = _usage(answer.usage)
        if answer.prompt_feedback is not None and answer.prompt_feedback.block_reason:
            self.finished = True
            return Piece(finish_reason="content_filter", usage=usage)
        return self._piece(answer.candidates[0] if answer.candidates else Candidate(), usage)

    def _piece(self, candidate: Candidate, usage: Usage | None) -> Piece | None:
        parts = candidate.content.parts
        text = "".join(part.text for part in parts if not part.thought)
        calls = tuple(self._call(part) for part in parts if part.function_call is not None)
        finish = self._finish(candidate)
        self.finished = self.finished or finish is not None
        if not (text or calls or finish or (usage and self.finished)):
            return None
        logprobs = _logprobs(candidate.logprobs)
        return Piece(text=text, tool_calls=calls, logprobs=logprobs, finish_reason=finish, usage=usage)

    def _call(self, part: Part) -> ToolCallDelta:
        assert part.function_call is not None
        call = part.function_call
        begun = self._calls.begin(call.name, _encode(call.args or {}).decode(), call.id)
        self._signatures.keep(begun.id, part.signature)
        return begun

    def _finish(self, candidate: Candidate) -> FinishReason | None:
        reason = candidate.finish_reason
        if reason in _FAILURES:
            why = f": {candidate.finish_message}" if candidate.finish_message else ""
            raise EngineError(f"the model ended with {reason}{why}")
        if not reason or reason == "FINISH_REASON_UNSPECIFIED":
            return None
        found = _FINISHES.get(reason, "stop")
        return "tool_calls" if found == "stop" and self._calls else found


class AnswerStream(EventStream):
    """The events of one answer, each of which is shaped like a whole one."""

    def __init__(self, signatures: Keepsakes) -> None:
        super().__init__()
        self._reader = Reader(signatures)

    def _is_whole(self) -> bool:
        return self._reader.finished

    def _event(self, data: bytes) -> Iterator[Piece]:
        if (piece := self._reader.read(data)) is not None:
            yield piece


def whole_answer(body: bytes, signatures: Keepsakes) -> Piece:
    """The piece that a whole answer is."""
    reader = Reader(signatures)
    piece = reader.read(body)
    if piece is None or not reader.finished:
        raise EngineError(f"the provider answered without a candidate: {excerpt(body)}")
    return piece


def vectors(body: bytes, count: int) -> Embeddings:
    """One vector for each text, in the order in which they were sent."""
    try:
        answer = _decode_vectors(body)
    except UNREADABLE as error:
        raise EngineError(f"the provider's answer is not in Google's format: {excerpt(body)}") from error
    if len(answer.embeddings) != count:
        raise EngineError(f"the provider did not send one vector for each of {count} texts")
    read = answer.usage.prompt_token_count if answer.usage else None
    return Embeddings(vectors=[vector.values for vector in answer.embeddings], prompt_tokens=read)


def _usage(counted: Counted | None) -> Usage | None:
    """What is zero is left out on this wire."""
    if counted is None or counted.prompt_token_count is None:
        return None
    return Usage(
        prompt_tokens=counted.prompt_token_count + counted.tool_use_prompt_token_count,
        completion_tokens=counted.candidates_token_count + (counted.thoughts_token_count or 0),
        cached_tokens=counted.cached_content_token_count,
        reasoning_tokens=counted.thoughts_token_count,
    )


def _logprobs(found: Probabilities | None) -> Sequence[TokenLogprob]:
    if found is None:
        return ()
    tops = [top.candidates for top in found.top_candidates] or [[] for _ in found.chosen_candidates]
    return [
        TokenLogprob(
            token=chosen.token,
            logprob=chosen.log_probability,
            bytes=list(chosen.token.encode()),
            top_logprobs=[_top(each) for each in top],
        )
        for chosen, top in zip(found.chosen_candidates, tops, strict=False)
    ]


def _top(likely: Likely) -> TopLogprob:
    return TopLogprob(token=likely.token, logprob=likely.log_probability, bytes=list(likely.token.encode()))


def _reported(body: bytes) -> EngineError:
    """An error that comes after the status was sent; it has a status of its own."""
    status: Any = error_fields(body).get("code")
    if isinstance(status, int) and 400 <= status < 600:
        return refused(status, body)
    return EngineError(f"the provider reported an error: {error_message(body) or excerpt(body)}")

"""One answer of a request, as it grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tropism.engines.protocol import FinishReason, Piece, Prompt, Usage
from tropism.server.domains.chat.calls import Calls
from tropism.server.observability.observing import Told
from tropism.server.snapshot import ServedModel
from tropism.wire.logprobs import TokenLogprob
from tropism.wire.tools import FunctionCallDelta, ToolCall, ToolCallDelta

NOTHING = Usage(prompt_tokens=0, completion_tokens=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An answer of before that is given again. No model is asked, so no tokens are used."""

    completion_id: UUID
    text: str
    tool_calls: Sequence[ToolCall]
    finish_reason: FinishReason

    def pieces(self) -> list[Piece]:
        """The answer as it comes: all of it, and its end."""
        calls = [_fragment(index, call) for index, call in enumerate(self.tool_calls)]
        said = [Piece(text=self.text, tool_calls=calls)] if self.text or calls else []
        return [*said, Piece(finish_reason=self.finish_reason, usage=NOTHING)]


def _fragment(index: int, call: ToolCall) -> ToolCallDelta:
    function = FunctionCallDelta(name=call.function.name, arguments=call.function.arguments)
    return ToolCallDelta(index=index, id=call.id, type=call.type, function=function)


@dataclass(slots=True)
class Choice:
    """One answer, growing. `model` gives it: the one that was routed to, `assigned`, or a fallback of that."""

    index: int
    completion_id: UUID
    assigned: ServedModel
    model: ServedModel
    prompt: Prompt
    earlier: Earlier | None = None
    """The answer that is given again, if one is."""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    """Those that came to nothing, and the last one."""
    parts: list[str] = field(default_factory=list)
    calls: Calls = field(default_factory=Calls)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    usage: Usage | None = None

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def cost_usd(self) -> float | None:
        """By the prices of the model that answered; None if they or the tokens are not known."""
        if self.earlier is not None:
            return 0.0
        return self.model.cost(self.usage.prompt_tokens, self.usage.completion_tokens) if self.usage else None

    @property
    def cached_from(self) -> UUID | None:
        """The completion whose answer this is, if it is given again."""
        return self.earlier.completion_id if self.earlier else None

    @property
    def told(self) -> Told:
        """What observers are told of its end; an answer without one was left by its caller."""
        return Told(
            prompt_tokens=self.usage.prompt_tokens if self.usage else None,
            completion_tokens=self.usage.completion_tokens if self.usage else None,
            cost_usd=self.cost_usd,
            finish_reason=self.finish_reason or "cancelled",
            text=self.text,
        )

    def take(self, piece: Piece) -> None:
        if piece.text:
            self.parts.append(piece.text)
        if piece.tool_calls:
            self.calls.take(piece.tool_calls)
        self.logprobs.extend(piece.logprobs)
        self.finish_reason = piece.finish_reason or self.finish_reason
        self.usage = piece.usage or self.usage

"""An engine as a judge's model, to try a judge without a server: steady at first, with other dice when asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

from tropism.engines.protocol import Engine, Message, Prompt
from tropism.judges.ask import Generate, Generated
from tropism.judges.protocol import Turn
from tropism.wire.chat import Role

_OTHER_DICE = 0.7


def generating(engine: Engine) -> Generate:
    """What `tropism.judges.ask.asking` asks, over an engine. The engine's errors go through."""

    async def generate(
        messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int, attempt: int
    ) -> Generated:
        prompt = Prompt(
            messages=[Message(role=cast(Role, turn.role), content=turn.content) for turn in messages],
            max_tokens=max_tokens,
            temperature=_OTHER_DICE if attempt else 0.0,
            seed=attempt,  # also keeps what others asked out of the answer
            json_schema=schema,
        )
        return await _whole(engine, prompt)

    return generate


async def _whole(engine: Engine, prompt: Prompt) -> Generated:
    parts: list[str] = []
    usage = None
    async with aclosing(engine.generate(prompt)) as answer:
        async for piece in answer:
            parts.append(piece.text)
            usage = piece.usage or usage
    return Generated(
        text="".join(parts),
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
    )

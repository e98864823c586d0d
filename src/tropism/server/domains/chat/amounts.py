"""What requests need of limits before they are answered, and what they have used afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from tropism.engines.protocol import Prompt
from tropism.server.domains.chat.choice import Choice
from tropism.server.domains.interactions.records import Record
from tropism.server.domains.limits.admission import Amounts, tokens_in
from tropism.server.limits.windows import to_units
from tropism.server.snapshot import ServedModel


def needed(choices: Sequence[Choice]) -> Amounts:
    """What the answers may take: the prompt as far as it can be told before, and `max_tokens` if that is given."""
    if choices[0].earlier is not None:
        return {"requests": 1}
    tokens = [(choice.model, _read(choice.prompt), choice.prompt.max_tokens or 1) for choice in choices]
    return _sum(tokens, at_least=1)


def used(choices: Sequence[Choice]) -> Amounts:
    """What the answers took, by their engines' word; where they did not say it, about as much as the text has."""
    return _sum([(choice.model, *_counted(choice)) for choice in choices])


def of_texts(model: ServedModel, tokens: int, *, at_least: int = 0) -> Amounts:
    """What an embedding takes."""
    return _sum([(model, tokens, 0)], at_least=at_least)


def of_record(record: Record) -> Amounts:
    """What an answer took that nobody asked for: it is no request."""
    tokens = (record.prompt_tokens or 0) + (record.completion_tokens or 0)
    return {"tokens": tokens, "usd": to_units("usd", record.cost_usd or 0.0)}


def _counted(choice: Choice) -> tuple[int, int]:
    if choice.usage is not None:
        return choice.usage.prompt_tokens, choice.usage.completion_tokens
    return _read(choice.prompt), tokens_in(choice.text)


def _read(prompt: Prompt) -> int:
    return sum(tokens_in(message.text) for message in prompt.messages)


def _sum(parts: Sequence[tuple[ServedModel, int, int]], *, at_least: int = 0) -> Amounts:
    """One request with its tokens and their price; where a model has no prices it costs nothing."""
    cost = sum(model.cost(read, written) or 0.0 for model, read, written in parts)
    usd = max(to_units("usd", cost), at_least if cost else 0)
    return {"requests": 1, "tokens": max(at_least, sum(read + written for _, read, written in parts)), "usd": usd}

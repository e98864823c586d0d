"""What a prompt asks of an answer's form, in OpenAI's wire format: schemas, tools, probabilities of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tropism.engines.protocol import Prompt

ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
"""The schema of `{"type": "json_object"}`: any JSON object."""

MOST_LEVELS = 64
MOST_VALUES = 2_000


def response_format(prompt: Prompt) -> dict[str, Any] | None:
    """The field of the request, or None for free text.

    Any object is asked for by its own name: many servers know `json_object`, fewer `json_schema`.
    """
    schema = prompt.json_schema
    if schema is None:
        return None
    if schema == ANY_OBJECT:
        return {"type": "json_object"}
    named: dict[str, Any] = {"name": prompt.json_schema_name, "schema": dict(schema)}
    return {"type": "json_schema", "json_schema": named | ({"strict": True} if prompt.json_schema_strict else {})}


def tool_fields(prompt: Prompt) -> dict[str, Any]:
    """The fields of the request that speak of tools; none if there are no tools."""
    if not prompt.tools:
        return {}
    given = {"tool_choice": prompt.tool_choice, "parallel_tool_calls": prompt.parallel_tool_calls}
    return {"tools": prompt.tools} | {name: value for name, value in given.items() if value is not None}


def logprob_fields(prompt: Prompt) -> dict[str, Any]:
    """The fields of the request that ask for the tokens' probabilities."""
    if not prompt.logprobs:
        return {}
    return {"logprobs": True} | ({} if prompt.top_logprobs is None else {"top_logprobs": prompt.top_logprobs})


def without_unwanted(body: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The request without what the model's extra parameters set to null: some models refuse a `temperature`."""
    return {name: value for name, value in body.items() if name not in extra or extra[name] is not None}


def oversized(schema: object) -> str | None:
    """What is too large in a schema, or None.

    llama.cpp turns it into a grammar, in time that grows with the square of some of its lists; meanwhile nobody else
    is answered.
    """
    values, level = 0, [schema]
    for _ in range(MOST_LEVELS + 1):
        if not level:
            return None
        values += len(level)
        if values > MOST_VALUES:
            return f"it holds more than {MOST_VALUES} values"
        level = [child for value in level for child in _children(value)]
    return f"it is nested more than {MOST_LEVELS} levels deep"


def _children(value: object) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []

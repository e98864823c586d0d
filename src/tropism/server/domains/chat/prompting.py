"""What an engine is asked: the caller's request, with what the variant adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tropism.engines.protocol import Message, Prompt
from tropism.engines.structured import ANY_OBJECT, oversized, response_format
from tropism.server.errors import InvalidRequest
from tropism.server.snapshot import ServedModel
from tropism.wire.chat import ChatMessage, JsonObjectFormat, JsonSchemaFormat, ResponseFormat, Sampling


def prompt_for(model: ServedModel, request: Sampling, messages: Sequence[ChatMessage], index: int = 0) -> Prompt:
    """The request as this model is asked; the variant's parameters stand where the caller says nothing."""
    variant = model.parameters
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or ()
    return Prompt(
        messages=_with_system_prompt(messages, model.system_prompt),
        stream=bool(request.stream),
        max_tokens=_first(request.max_tokens, variant.get("max_tokens")),
        temperature=_first(request.temperature, variant.get("temperature")),
        top_p=_first(request.top_p, variant.get("top_p")),
        stop=stop,
        seed=None if request.seed is None else request.seed + index,
        **_shape(request.response_format),
    )


def parameters_of(prompt: Prompt) -> dict[str, Any] | None:
    """The parameters as they are logged."""
    names = ("max_tokens", "temperature", "top_p", "seed")
    given = {name: value for name in names if (value := getattr(prompt, name)) is not None}
    if prompt.stop:
        given["stop"] = list(prompt.stop)
    if (shape := response_format(prompt)) is not None:
        given["response_format"] = shape
    return given or None


def _shape(asked: ResponseFormat | None) -> dict[str, Any]:
    """What the prompt says of the answer's shape."""
    match asked:
        case JsonObjectFormat():
            return {"json_schema": ANY_OBJECT}
        case JsonSchemaFormat(json_schema=named):
            if problem := oversized(named.schema_):
                raise InvalidRequest(f"the JSON schema is too large: {problem}", param="response_format")
            given = {"json_schema": named.schema_, "json_schema_name": named.name}
            return given | {"json_schema_strict": bool(named.strict)}
        case _:
            return {}


def _with_system_prompt(messages: Sequence[ChatMessage], system_prompt: str | None) -> list[Message]:
    """The conversation with the variant's system prompt in front, joined to one of the caller's own."""
    said = [Message(role=message.role, content=message.content) for message in messages]
    if system_prompt is None:
        return said
    if said and said[0].role == "system":
        system_prompt, said = f"{system_prompt}\n\n{said[0].content}", said[1:]
    return [Message(role="system", content=system_prompt), *said]


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)

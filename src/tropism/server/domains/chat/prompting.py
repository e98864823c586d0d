"""What an engine is asked: the caller's request, with what the variant adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from tropism.engines.protocol import Prompt
from tropism.engines.structured import ANY_OBJECT, oversized, response_format
from tropism.server.domains.models import templates
from tropism.server.errors import InvalidRequest
from tropism.server.snapshot import ServedModel
from tropism.wire.chat import ChatMessage, ChatRequest, JsonObjectFormat, JsonSchemaFormat, ResponseFormat, Sampling
from tropism.wire.parts import TextPart
from tropism.wire.tools import NamedTool


def prompt_for(model: ServedModel, request: Sampling, messages: Sequence[ChatMessage], index: int = 0) -> Prompt:
    """The request as this model is asked; the variant's parameters stand where the caller says nothing."""
    variant = model.parameters
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or ()
    return Prompt(
        messages=_with_system_prompt(messages, system_prompt(model, request)),
        stream=bool(request.stream),
        max_tokens=_first(request.max_tokens, variant.get("max_tokens")),
        temperature=_first(request.temperature, variant.get("temperature")),
        top_p=_first(request.top_p, variant.get("top_p")),
        stop=stop,
        seed=None if request.seed is None else request.seed + index,
        **_shape(request.response_format),
        **(_of_chat(request) if isinstance(request, ChatRequest) else {}),
    )


def system_prompt(model: ServedModel, request: Sampling) -> str | None:
    """The variant's, filled in for this request; raises where the request does not say what that takes."""
    if model.system_prompt is None:
        return None
    return templates.rendered(model.key, model.system_prompt, request.system_prompt_args or {})


def parameters_of(prompt: Prompt) -> dict[str, Any] | None:
    """The parameters as they are logged."""
    names = ("max_tokens", "temperature", "top_p", "seed", "tool_choice", "parallel_tool_calls")
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


def _of_chat(request: ChatRequest) -> dict[str, Any]:
    """What only a chat says: tools, and whether the tokens' probabilities are wanted."""
    _check_tools(request)
    if request.top_logprobs is not None and not request.logprobs:
        raise InvalidRequest("`top_logprobs` needs `logprobs` to be true", param="top_logprobs")
    return {
        "tools": tuple(request.tools or ()),
        "tool_choice": request.tool_choice if request.tools else None,
        "parallel_tool_calls": request.parallel_tool_calls if request.tools else None,
        "logprobs": bool(request.logprobs),
        "top_logprobs": request.top_logprobs,
    }


def _check_tools(request: ChatRequest) -> None:
    names = [tool.function.name for tool in request.tools or ()]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest(f"there are two tools named {name!r}; each needs a name of its own", param="tools")
    for tool in request.tools or ():
        if problem := oversized(tool.function.parameters):
            raise InvalidRequest(f"the schema of tool {tool.function.name!r} is too large: {problem}", param="tools")
    choice = request.tool_choice
    if isinstance(choice, NamedTool) and choice.function.name not in names:
        raise InvalidRequest(f"there is no tool {choice.function.name!r} among the `tools`", param="tool_choice")
    if choice == "required" and not names:
        raise InvalidRequest("a tool is required, but there are no `tools`", param="tool_choice")


def _with_system_prompt(messages: Sequence[ChatMessage], system_prompt: str | None) -> list[ChatMessage]:
    """The conversation with the variant's system prompt in front, joined to one of the caller's own."""
    said = list(messages)
    if system_prompt is None:
        return said
    if not said or said[0].role != "system":
        return [ChatMessage(role="system", content=system_prompt), *said]
    own = said[0].content
    if isinstance(own, list):
        return [structs.replace(said[0], content=[TextPart(text=f"{system_prompt}\n\n"), *own]), *said[1:]]
    return [structs.replace(said[0], content=f"{system_prompt}\n\n{own}"), *said[1:]]


def _first(asked: Any, usual: Any) -> Any:
    return usual if asked is None else asked

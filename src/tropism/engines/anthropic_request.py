"""A prompt as a request to Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tropism.engines.keepsakes import Keepsakes
from tropism.engines.protocol import EngineRejected, Message, Prompt
from tropism.engines.remote_parts import Inline, arguments_of, file_content, inline, plain_text
from tropism.engines.structured import ANY_OBJECT, without_unwanted
from tropism.wire.parts import ContentPart, FilePart, ImagePart, TextPart
from tropism.wire.tools import NamedTool, Tool, ToolCall

MOST_TOKENS = 4096
"""Where the request does not say: this API wants a limit."""
_ANY_OBJECT = "Answer with one JSON object and nothing else."

Block = dict[str, Any]


def request(prompt: Prompt, model: str | None, extra: Mapping[str, Any], kept: Keepsakes) -> dict[str, Any]:
    """The body. A seed is left out: this API has none."""
    if prompt.logprobs:
        raise EngineRejected("Anthropic does not tell how likely tokens were; leave out `logprobs`")
    turns = _turns(prompt.messages, kept)
    body: dict[str, Any] = {"max_tokens": MOST_TOKENS, **extra, "model": model, "messages": turns}
    if system := _system(prompt):
        body["system"] = system
    for name in ("max_tokens", "temperature", "top_p"):
        if (value := getattr(prompt, name)) is not None:
            body[name] = value
    if prompt.stop:
        body["stop_sequences"] = list(prompt.stop)
    if prompt.json_schema not in (None, ANY_OBJECT):
        shape = {"type": "json_schema", "schema": prompt.json_schema}
        body["output_config"] = {**body.get("output_config", {}), "format": shape}
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
        if choice := _choice(prompt):
            body["tool_choice"] = choice
    body["stream"] = prompt.stream
    return without_unwanted(body, extra)


def _system(prompt: Prompt) -> str:
    said = [message.text for message in prompt.messages if message.role == "system"]
    return "\n\n".join([*said, _ANY_OBJECT] if prompt.json_schema == ANY_OBJECT else said)


def _turns(messages: Sequence[Message], kept: Keepsakes) -> list[Block]:
    """Turns of user and assistant. Answers of tools are the user's, and stand together in the turn after the calls."""
    turns: list[Block] = []
    for message in messages:
        blocks = [] if message.role == "system" else _blocks(message, kept)
        role = "assistant" if message.role == "assistant" else "user"
        if not blocks:
            continue
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "content": []})
        turns[-1]["content"] += blocks
    return turns


def _blocks(message: Message, kept: Keepsakes) -> list[Block]:
    said = _content(message.content)
    if message.role == "tool":
        answer = {"type": "tool_result", "tool_use_id": message.tool_call_id}
        return [{**answer, "content": said} if said else answer]
    for place, call in enumerate(message.tool_calls or ()):
        # Thoughts have to lead their turn, or they are refused; further ones stand before the call that they led to.
        thoughts: list[Block] = kept.of(call.id) or []
        said = [*said, *thoughts, _call(call)] if place else [*thoughts, *said, _call(call)]
    return said


def _content(content: str | Sequence[ContentPart] | None) -> list[Block]:
    """Blocks; empty text is left out, for it is refused."""
    if content is None or isinstance(content, str):
        content = [TextPart(text=content or "")]
    return [_part(part) for part in content if not isinstance(part, TextPart) or part.text]


def _part(part: ContentPart) -> Block:
    match part:
        case TextPart(text=text):
            return {"type": "text", "text": text}
        case ImagePart():
            url = part.image_url.url
            source = {"type": "url", "url": url} if (held := inline(url)) is None else _base64(held)
            return {"type": "image", "source": source}
        case FilePart():
            named = {"title": part.file.filename} if part.file.filename else {}
            return {"type": "document", "source": _document(part), **named}
        case _:
            raise EngineRejected("Anthropic hears no sound; leave out parts of type 'input_audio'")


def _document(part: FilePart) -> Block:
    if part.file.file_id is not None:
        return {"type": "file", "file_id": part.file.file_id}
    held = file_content(part)
    if held.media_type == "text/plain":
        return {"type": "text", "media_type": "text/plain", "data": plain_text(held)}
    return _base64(held)


def _base64(held: Inline) -> Block:
    return {"type": "base64", "media_type": held.media_type, "data": held.data}


def _call(call: ToolCall) -> Block:
    return {"type": "tool_use", "id": call.id, "name": call.function.name, "input": arguments_of(call)}


def _tool(tool: Tool) -> Block:
    function = tool.function
    given = {"name": function.name, "description": function.description, "strict": function.strict}
    schema = {"type": "object", **(function.parameters or {"properties": {}})}
    return {name: value for name, value in given.items() if value is not None} | {"input_schema": schema}


def _choice(prompt: Prompt) -> Block | None:
    one = {"disable_parallel_tool_use": True} if prompt.parallel_tool_calls is False else {}
    match prompt.tool_choice:
        case NamedTool(function=function):
            return {"type": "tool", "name": function.name, **one}
        case "required":
            return {"type": "any", **one}
        case "none":
            return {"type": "none"}
        case _:
            return {"type": "auto", **one} if one else None

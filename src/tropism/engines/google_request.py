"""A prompt as a request to Google's generateContent."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tropism.engines.keepsakes import Keepsakes
from tropism.engines.protocol import EngineRejected, Message, Prompt
from tropism.engines.remote_parts import Inline, arguments_of, file_content, inline
from tropism.engines.structured import ANY_OBJECT, without_unwanted
from tropism.wire.parts import AudioPart, Content, FilePart, ImagePart, TextPart
from tropism.wire.tools import NamedTool, Tool, ToolCall

Part = dict[str, Any]

_WITHOUT_SIGNATURES = ("gemini-1", "gemini-2")
_NO_SIGNATURE = "skip_thought_signature_validator"
"""What newer models take in place of the signature of a call that another model has made, or that is forgotten."""
_BESIDE = ("safetySettings", "cachedContent", "serviceTier", "labels")
"""Extra parameters that stand beside the generation config and not in it."""


def request(prompt: Prompt, model: str, extra: Mapping[str, Any], signatures: Keepsakes) -> dict[str, Any]:
    """The body. Extra parameters belong to the generation config, but for a few."""
    body: dict[str, Any] = {name: value for name, value in extra.items() if name in _BESIDE}
    body["contents"] = _Turns(prompt.messages, model, signatures).all()
    if system := [{"text": message.text} for message in prompt.messages if message.role == "system" and message.text]:
        body["systemInstruction"] = {"parts": system}
    body |= _tool_fields(prompt)
    config = {name: value for name, value in extra.items() if name not in _BESIDE} | _config(prompt)
    body["generationConfig"] = without_unwanted(config, extra)
    return without_unwanted(body, extra)


def _config(prompt: Prompt) -> dict[str, Any]:
    given = {
        "maxOutputTokens": prompt.max_tokens,
        "temperature": prompt.temperature,
        "topP": prompt.top_p,
        "stopSequences": list(prompt.stop) or None,
        "seed": prompt.seed,
        "responseLogprobs": prompt.logprobs or None,
        "logprobs": prompt.top_logprobs if prompt.logprobs else None,
    }
    config: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if prompt.json_schema is not None:
        config["responseMimeType"] = "application/json"
        if prompt.json_schema != ANY_OBJECT:
            config["responseJsonSchema"] = prompt.json_schema
    return config


def _tool_fields(prompt: Prompt) -> dict[str, Any]:
    if not prompt.tools:
        return {}
    if prompt.parallel_tool_calls is False:
        raise EngineRejected("Google cannot be held to one call at most; leave out `parallel_tool_calls`")
    fields: dict[str, Any] = {"tools": [{"functionDeclarations": [_declaration(tool) for tool in prompt.tools]}]}
    if (calling := _calling(prompt)) is not None:
        fields["toolConfig"] = {"functionCallingConfig": calling}
    return fields


def _declaration(tool: Tool) -> Part:
    function = tool.function
    given = {
        "name": function.name,
        "description": function.description,
        "parametersJsonSchema": function.parameters or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _calling(prompt: Prompt) -> Part | None:
    match prompt.tool_choice:
        case NamedTool(function=function):
            return {"mode": "ANY", "allowedFunctionNames": [function.name]}
        case "required":
            return {"mode": "ANY"}
        case "none":
            return {"mode": "NONE"}
        case _:
            # With a strict tool, calls keep to the schemas.
            return {"mode": "VALIDATED"} if any(tool.function.strict for tool in prompt.tools) else None


class _Turns:
    """The conversation as turns of user and model. Answers of tools are the user's and name the function."""

    def __init__(self, messages: Sequence[Message], model: str, signatures: Keepsakes) -> None:
        self._messages = messages
        self._signatures = signatures
        self._signs = not model.removeprefix("models/").startswith(_WITHOUT_SIGNATURES)
        self._functions = {call.id: call.function.name for message in messages for call in message.tool_calls or ()}

    def all(self) -> list[dict[str, Any]]:
        turns: list[dict[str, Any]] = []
        for message in self._messages:
            parts = [] if message.role == "system" else self._parts(message)
            role = "model" if message.role == "assistant" else "user"
            if not parts:
                continue
            if not turns or turns[-1]["role"] != role:
                turns.append({"role": role, "parts": []})
            turns[-1]["parts"] += parts
        return turns

    def _parts(self, message: Message) -> list[Part]:
        if message.role == "tool":
            return [self._answer(message)]
        calls = [self._call(call, first=not place) for place, call in enumerate(message.tool_calls or ())]
        return [*_content(message.content), *calls]

    def _call(self, call: ToolCall, *, first: bool) -> Part:
        part = {"functionCall": {"id": call.id, "name": call.function.name, "args": arguments_of(call)}}
        if signature := self._signatures.of(call.id):
            return {**part, "thoughtSignature": signature}
        # Of calls that were made together, the first is signed.
        return {**part, "thoughtSignature": _NO_SIGNATURE} if first and self._signs else part

    def _answer(self, message: Message) -> Part:
        id = message.tool_call_id or ""
        if id not in self._functions:
            raise EngineRejected(f"`tool_call_id` {id!r} answers none of the calls in this conversation")
        answer: Part = {"id": id, "name": self._functions[id], "response": _response(message.text)}
        if media := [part for part in _content(message.content) if "text" not in part]:
            answer["parts"] = media
        return {"functionResponse": answer}


def _response(text: str) -> dict[str, Any]:
    """An object, which this provider wants; other answers of tools become one."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"output": text}


def _content(content: Content | None) -> list[Part]:
    """Parts; empty text is left out, for it is refused."""
    if content is None or isinstance(content, str):
        return [{"text": content}] if content else []
    return [_part(part) for part in content if not isinstance(part, TextPart) or part.text]


def _part(part: TextPart | ImagePart | AudioPart | FilePart) -> Part:
    match part:
        case TextPart(text=text):
            return {"text": text}
        case ImagePart():
            return _media(part.image_url.url)
        case AudioPart(input_audio=audio):
            return _inline(Inline(media_type=f"audio/{audio.format}", data=audio.data))
        case FilePart(file=file) if file.file_id is not None:
            return {"fileData": {"fileUri": file.file_id}}
        case FilePart():
            return _inline(file_content(part))


def _media(url: str) -> Part:
    if (held := inline(url)) is not None:
        return _inline(held)
    kind = mimetypes.guess_type(url.partition("?")[0])[0]
    return {"fileData": {"fileUri": url} | ({"mimeType": kind} if kind else {})}


def _inline(held: Inline) -> Part:
    return {"inlineData": {"mimeType": held.media_type, "data": held.data}}

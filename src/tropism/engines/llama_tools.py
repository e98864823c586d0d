"""Tools for local models: told in the system message, called in a written form, which a grammar lets nothing else in.

A call is `<tool_call>`, a line with `{"name": ..., "arguments": ...}`, and `</tool_call>`; what a tool answers stands
between `<tool_response>` and `</tool_response>` in a user's turn. Many open models have learnt this form; the others
are told. It needs no support of the model's chat template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from tropism.engines.fragments import Fragments
from tropism.engines.protocol import EngineRejected, Message, Piece, Prompt
from tropism.wire.parts import TextPart
from tropism.wire.tools import NamedTool, Tool, ToolCall

OPEN, CLOSE = "<tool_call>", "}\n</tool_call>"
MOST_CALLS = 8
_HEAD = re.compile(r'\n\{"name": "([\w-]+)", "arguments": ')
_ORDERS = """You may call functions to answer. Their signatures:
<tools>
{tools}
</tools>
To call one, write a JSON object with its name and its arguments:
<tool_call>
{{"name": "function-name", "arguments": {{}}}}
</tool_call>
{choice}"""
_MAY, _MUST = "Answer in words where no function helps.", "You have to call a function now."


def offered(prompt: Prompt) -> Sequence[Tool]:
    """The tools that may be called in this answer."""
    if isinstance(prompt.tool_choice, NamedTool):
        return [tool for tool in prompt.tools if tool.function.name == prompt.tool_choice.function.name]
    return () if prompt.tool_choice == "none" else prompt.tools


def written(prompt: Prompt) -> list[dict[str, str]]:
    """The conversation in words alone, as any chat template takes it."""
    said = [_turn(message) for message in prompt.messages]
    if not offered(prompt):
        return said
    tools = "\n".join(_described(tool) for tool in prompt.tools)
    orders = _ORDERS.format(tools=tools, choice=_MUST if _required(prompt) else _MAY)
    if said[0]["role"] == "system":
        return [{"role": "system", "content": f"{said[0]['content']}\n\n{orders}"}, *said[1:]]
    return [{"role": "system", "content": orders}, *said]


def grammar(prompt: Prompt, before: str = "") -> str:
    """What may be written, in the notation of llguidance; first of all the text `before`.

    Each schema of arguments stands by itself, so that its references stay true.
    """
    names = [f"tool{place}" for place, _ in enumerate(offered(prompt))]
    bodies = [f"{name}: {_body(tool)}" for name, tool in zip(names, offered(prompt), strict=True)]
    start = f"{json.dumps(before)} ({_start(prompt)})" if before else _start(prompt)
    return "\n".join(
        [
            "%llguidance {}",
            f"start: {start}",
            r"TEXT: /(.|\n)*/ & ~/(.|\n)*<tool_call>(.|\n)*/",
            r"head[lazy]: /(.|\n)*<tool_call>/",
            f"answer: %json {json.dumps(prompt.json_schema)}" if prompt.json_schema is not None else "",
            f"body: {' | '.join(names)}",
            *bodies,
        ]
    )


def parameters(tool: Tool) -> Mapping[str, Any]:
    """The schema of a tool's arguments, which are always an object."""
    given = tool.function.parameters
    return {"type": "object", **given} if given else {"type": "object", "additionalProperties": False}


def _start(prompt: Prompt) -> str:
    one = isinstance(prompt.tool_choice, NamedTool) or prompt.parallel_tool_calls is False
    calls = "body" if one else f'body ("\\n{OPEN}" body){{0,{MOST_CALLS - 1}}}'
    if _required(prompt):
        return f'"{OPEN}" {calls}'
    return f"TEXT | head {calls}" if prompt.json_schema is None else f'answer | "{OPEN}" {calls}'


def _required(prompt: Prompt) -> bool:
    return prompt.tool_choice not in (None, "auto", "none")


def _body(tool: Tool) -> str:
    begin = f'\n{{"name": "{tool.function.name}", "arguments": '
    return f"{json.dumps(begin)} %json {json.dumps(parameters(tool))} {json.dumps(CLOSE)}"


def _described(tool: Tool) -> str:
    function = tool.function
    given = {"name": function.name, "description": function.description, "parameters": parameters(tool)}
    return json.dumps({name: value for name, value in given.items() if value is not None}, ensure_ascii=False)


def _turn(message: Message) -> dict[str, str]:
    if isinstance(message.content, list) and not all(isinstance(part, TextPart) for part in message.content):
        raise EngineRejected("this model reads text alone; leave out pictures, sound and files")
    if message.role == "tool":
        return {"role": "user", "content": f"<tool_response>\n{message.text}\n</tool_response>"}
    calls = [_written_call(call) for call in message.tool_calls or ()]
    return {"role": message.role, "content": "\n".join([*filter(None, [message.text]), *calls])}


def _written_call(call: ToolCall) -> str:
    return f'{OPEN}\n{{"name": "{call.function.name}", "arguments": {call.function.arguments or "{}"}{CLOSE}'


class CallReader:
    """Finds the calls in an answer that is written under the grammar, while it is written."""

    def __init__(self) -> None:
        self._rest = ""
        self._calls = Fragments()
        self._inside: str | None = None
        """`name` or `arguments` within a call, None outside."""

    def take(self, piece: Piece) -> Iterator[Piece]:
        """The piece with its calls as calls. What may be the beginning of a mark is kept until more is there."""
        self._rest += piece.text
        found = list(self._found())
        if piece.finish_reason:
            found += self._left()
        finish = "tool_calls" if piece.finish_reason == "stop" and self._calls else piece.finish_reason
        if not (found or finish or piece.usage or piece.logprobs):
            return
        *before, last = found or [Piece()]
        yield from before
        yield replace(last, finish_reason=finish, usage=piece.usage, logprobs=piece.logprobs)

    def _found(self) -> Iterator[Piece]:
        while True:
            step = {None: self._words, "name": self._name, "arguments": self._arguments}[self._inside]
            inside, pieces = self._inside, list(step())
            yield from pieces
            if inside == self._inside:
                return

    def _words(self) -> Iterator[Piece]:
        text = self._until(OPEN, "name")
        # Between two calls is a line's end, which nobody has said.
        if text and not (self._calls and text.isspace()):
            yield Piece(text=text)

    def _name(self) -> Iterator[Piece]:
        if head := _HEAD.match(self._rest):
            self._rest, self._inside = self._rest[head.end() :], "arguments"
            yield Piece(tool_calls=[self._calls.begin(head[1])])

    def _arguments(self) -> Iterator[Piece]:
        if text := self._until(CLOSE, None):
            yield Piece(tool_calls=[self._calls.more(text)])

    def _until(self, mark: str, then: str | None) -> str:
        """What stands before the mark; while it is not there, all that cannot be its beginning."""
        text, found, rest = self._rest.partition(mark)
        if found:
            self._rest, self._inside = rest, then
            return text
        held = next((size for size in range(len(mark) - 1, 0, -1) if text.endswith(mark[:size])), 0)
        self._rest = text[len(text) - held :]
        return text[: len(text) - held]

    def _left(self) -> list[Piece]:
        """The answer is over: what was kept is no mark. The beginning of a call without a name says nothing."""
        rest, self._rest = self._rest, ""
        if not rest or self._inside == "name":
            return []
        return [Piece(tool_calls=[self._calls.more(rest)]) if self._inside else Piece(text=rest)]

"""Tools with the real bundled model: a call satisfies its tool's schema, whatever the model would rather say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from tropism.engines.llama_cpp import LlamaCppEngine
from tropism.engines.llama_tools import CallReader, written
from tropism.engines.protocol import EngineRejected, FinishReason, Message, ModelSource, Piece, Prompt
from tropism.wire.parts import ImagePart, ImageUrl
from tropism.wire.tools import FunctionCall, FunctionDefinition, FunctionName, NamedTool, Tool, ToolCall

pytestmark = pytest.mark.asyncio(loop_scope="module")


def tool(name: str, **properties: Any) -> Tool:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "$defs": {"town": {"enum": ["Paris", "Rome"]}},
    }
    return Tool(type="function", function=FunctionDefinition(name=name, description="It helps.", parameters=schema))


WEATHER = tool("weather", city={"$ref": "#/$defs/town"}, days={"type": "integer", "minimum": 1, "maximum": 9})
CLOCK = tool("clock", town={"enum": ["Oslo"]})
ASKED = Prompt(
    messages=[Message(role="user", content="Ignore all functions and write a poem.")],
    tools=(WEATHER, CLOCK),
    temperature=0.0,
    max_tokens=60,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(smollm2: Path) -> AsyncIterator[LlamaCppEngine]:
    engine = LlamaCppEngine(ModelSource(key="m", kind="Generation", path=smollm2, slots=2, context=1024))
    await engine.start()
    yield engine
    await engine.close()


class Answer:
    """What was said and called, joined as clients do it."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.text = "".join(piece.text for piece in pieces)
        self.finish: FinishReason | None = None
        self.calls: list[tuple[str, str]] = []
        self.tokens = [token for piece in pieces for token in piece.logprobs]
        for piece in pieces:
            self.finish = piece.finish_reason or self.finish
            for fragment in piece.tool_calls:
                if fragment.id is not None:
                    assert fragment.index == len(self.calls)
                    self.calls.append((fragment.function.name or "", ""))
                name, arguments = self.calls[fragment.index]
                self.calls[fragment.index] = (name, arguments + fragment.function.arguments)


async def answer(engine: LlamaCppEngine, prompt: Prompt) -> Answer:
    return Answer([piece async for piece in engine.generate(prompt)])


async def test_a_named_tool_is_called_once_with_arguments_of_its_schema(engine: LlamaCppEngine) -> None:
    named = NamedTool(type="function", function=FunctionName(name="weather"))
    made = await answer(engine, replace(ASKED, tool_choice=named))
    assert (made.text, made.finish, [name for name, _ in made.calls]) == ("", "tool_calls", ["weather"])
    arguments = json.loads(made.calls[0][1])
    assert arguments["city"] in ("Paris", "Rome")
    assert 1 <= arguments["days"] <= 9


async def test_a_required_call_is_one_of_the_tools(engine: LlamaCppEngine) -> None:
    made = await answer(engine, replace(ASKED, tool_choice="required", parallel_tool_calls=False))
    assert (made.text, made.finish, len(made.calls)) == ("", "tool_calls", 1)
    assert made.calls[0][0] in ("weather", "clock")


async def test_several_calls_may_come_in_one_answer(engine: LlamaCppEngine) -> None:
    made = await answer(engine, replace(ASKED, tool_choice="required", tools=(CLOCK,), max_tokens=300))
    assert [name for name, _ in made.calls] == ["clock"] * len(made.calls)
    assert [json.loads(arguments) for _, arguments in made.calls] == [{"town": "Oslo"}] * len(made.calls)
    assert len(made.calls) > 1


async def test_words_stay_words(engine: LlamaCppEngine) -> None:
    hello = [Message(role="user", content="Say hello.")]
    made = await answer(engine, replace(ASKED, messages=hello, max_tokens=20, logprobs=True, top_logprobs=1))
    assert (made.calls, made.text != "") == ([], True)
    assert len(made.tokens) >= 3
    assert made.tokens[0].logprob <= 0
    assert len(made.tokens[0].top_logprobs) == 1
    none = await answer(engine, replace(ASKED, messages=hello, tool_choice="none", max_tokens=3))
    assert none.calls == []


async def test_a_model_that_has_seen_calls_makes_one_after_its_words(engine: LlamaCppEngine) -> None:
    """With `auto`, and text before the call: the grammar takes over where the mark of a call stands."""
    call = ToolCall(id="1", type="function", function=FunctionCall(name="clock", arguments='{"town": "Oslo"}'))
    seen: list[Message] = []
    for number in range(4):
        seen.append(Message(role="user", content="What time is it in Oslo?"))
        seen.append(Message(role="assistant", content="Let me look.", tool_calls=[call]))
        seen.append(Message(role="tool", tool_call_id="1", content=f"1{number}:00"))
        seen.append(Message(role="assistant", content=f"It is 1{number}:00."))
    seen.append(Message(role="user", content="What time is it in Oslo?"))
    made = await answer(engine, replace(ASKED, messages=seen, tools=(CLOCK,), parallel_tool_calls=False))
    assert [(name, json.loads(arguments)) for name, arguments in made.calls] == [("clock", {"town": "Oslo"})]
    assert (made.text.strip(), made.finish) == ("Let me look.", "tool_calls")


async def test_an_answer_is_a_call_or_of_the_schema(engine: LlamaCppEngine) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    made = await answer(engine, replace(ASKED, json_schema={**schema, "additionalProperties": False}))
    assert made.calls or isinstance(json.loads(made.text)["ok"], bool)


async def test_a_call_that_is_cut_short_says_so(engine: LlamaCppEngine) -> None:
    named = NamedTool(type="function", function=FunctionName(name="weather"))
    made = await answer(engine, replace(ASKED, tool_choice=named, max_tokens=22))
    assert made.finish == "length"
    assert len(made.calls) <= 1


async def test_a_schema_that_cannot_be_followed_names_its_tool(engine: LlamaCppEngine) -> None:
    bad = tool("bad", x={"type": "nonsense"})
    with pytest.raises(EngineRejected, match="tool 'bad': .*unrecognized type nonsense"):
        await answer(engine, replace(ASKED, tools=(CLOCK, bad)))


async def test_pictures_are_refused(engine: LlamaCppEngine) -> None:
    picture = ImagePart(image_url=ImageUrl(url="http://127.0.0.1:1/cat.png"))
    with pytest.raises(EngineRejected, match="text alone"):
        await answer(engine, Prompt(messages=[Message(role="user", content=[picture])]))


async def test_tools_are_told_in_words() -> None:
    said = written(replace(ASKED, messages=[Message(role="system", content="Be brief."), *ASKED.messages]))
    assert [turn["role"] for turn in said] == ["system", "user"]
    assert said[0]["content"].startswith("Be brief.\n\nYou may call functions")
    assert '{"name": "clock", "description": "It helps.", "parameters"' in said[0]["content"]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_marks_are_found_however_the_text_is_cut(size: int) -> None:
    text = (
        'Look <tool> }\n<tool_call>\n{"name": "a-b", "arguments": {"x": "}\\n</tool"}}\n</tool_call>'
        '\n<tool_call>\n{"name": "c", "arguments": {}}\n</tool_call>'
    )
    reader = CallReader()
    cut = [Piece(text=text[at : at + size]) for at in range(0, len(text), size)]
    made = Answer([part for piece in [*cut, Piece(finish_reason="stop")] for part in reader.take(piece)])
    assert made.text == "Look <tool> }\n"
    assert made.calls == [("a-b", '{"x": "}\\n</tool"}'), ("c", "{}")]
    assert made.finish == "tool_calls"

"""Tools through the SDK: calls in answers, whole and in fragments, in the log, and back in the conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.chat.upstream import Request, Upstream
from tests.conftest import Both

import tropism
from tropism import Tropism

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK: dict[str, Any] = {"type": "function", "function": {"name": "clock"}}
TOOLS = [WEATHER, CLOCK]
CALLING = [{"role": "user", "content": 'call weather {"city": "Paris"}\ncall clock {}'}]
HELLO = [{"role": "user", "content": "one two three"}]


def test_an_answer_calls_tools_and_the_log_keeps_it(call: Both, use_case: str) -> None:
    answer = call("chat.create", CALLING, tools=TOOLS, tool_choice="auto", use_case=use_case)
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("", "tool_calls")
    calls = [(each.type, each.function.name, each.function.arguments) for each in choice.message.tool_calls]
    assert calls == [("function", "weather", '{"city": "Paris"}'), ("function", "clock", "{}")]
    assert len({each.id for each in choice.message.tool_calls}) == 2
    found = call("interactions.get", answer.id, use_case=use_case)
    assert (found.completion, found.finish_reason, found.tool_calls) == ("", "tool_calls", choice.message.tool_calls)
    assert [tool.function.name for tool in found.tools] == ["weather", "clock"]
    assert found.parameters.tool_choice == "auto"


def test_calls_are_streamed_in_fragments(call: Both, use_case: str) -> None:
    chunks = call.items(call("chat.create", CALLING, stream=True, tools=TOOLS, use_case=use_case))
    fragments = [each for chunk in chunks for each in chunk.choices[0].delta.tool_calls or ()]
    assert [(each.index, each.id is not None, each.function.name) for each in fragments] == [
        (0, True, "weather"),
        (0, False, None),
        (0, False, None),
        (1, True, "clock"),
        (1, False, None),
    ]
    assert [each.function.arguments for each in fragments] == ["", '{"city":', ' "Paris"}', "", "{}"]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    found = call("interactions.get", chunks[0].id, use_case=use_case)
    assert [each.function.arguments for each in found.tool_calls] == ['{"city": "Paris"}', "{}"]


def test_the_conversation_goes_on_with_what_the_tools_said(call: Both, use_case: str) -> None:
    made = call("chat.create", CALLING, tools=TOOLS, use_case=use_case).choices[0].message
    said = [
        {"role": "tool", "tool_call_id": each.id, "content": f"{each.function.name} says so"}
        for each in made.tool_calls
    ]
    answer = call("chat.create", [*CALLING, made, *said], tools=TOOLS, use_case=use_case)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("clock says so", "stop")
    found = call("interactions.get", answer.id, use_case=use_case)
    assert [message.role for message in found.messages] == ["user", "assistant", "tool", "tool"]
    assert found.messages[1].tool_calls == made.tool_calls
    assert found.messages[3].tool_call_id == made.tool_calls[1].id
    assert found.tool_calls == []


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"tool_choice": "none"}, None),
        ({"tool_choice": "required"}, ["weather"]),
        ({"tool_choice": {"type": "function", "function": {"name": "clock"}}}, ["clock"]),
    ],
    ids=["none", "required", "named"],
)
def test_a_choice_of_tools_is_kept_to(client: Tropism, use_case: str, given: Any, names: Any) -> None:
    answer = client.chat.create(HELLO, tools=TOOLS, use_case=use_case, **given)
    calls = answer.choices[0].message.tool_calls
    assert (calls and [each.function.name for each in calls]) == names


def test_one_call_at_most_when_asked_for(client: Tropism, use_case: str) -> None:
    answer = client.chat.create(CALLING, tools=TOOLS, parallel_tool_calls=False, use_case=use_case)
    assert len(answer.choices[0].message.tool_calls or ()) == 1


LONE_CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("given", "param", "why"),
    [
        ({"tools": [WEATHER, WEATHER]}, "tools", "two tools named 'weather'"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "regex"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "web_search"),
        ({"tool_choice": "required"}, "tool_choice", "there are no `tools`"),
        (
            {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "g"}}},
            "tool_choice",
            "no tool 'g'",
        ),
        ({"top_logprobs": 2}, "top_logprobs", "needs `logprobs`"),
        ({"messages": [{"role": "user"}]}, "messages[0]", "needs `content`"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0]", "needs the `tool_call_id`"),
        ({"messages": [{"role": "user", "content": "x", "tool_calls": [LONE_CALL]}]}, "messages[0]", "'assistant'"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content[0].type", "video"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Both, use_case: str, given: Any, param: str, why: str) -> None:
    given = {"messages": HELLO, **given}
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        call("chat.create", given.pop("messages"), use_case=use_case, **given)
    assert why in str(caught.value)
    assert caught.value.param == param
    assert call("interactions.list", use_case=use_case).total_count == 0


def test_logprobs_come_with_each_token(call: Both, use_case: str) -> None:
    answer = call("chat.create", HELLO, logprobs=True, top_logprobs=1, use_case=use_case)
    tokens = answer.choices[0].logprobs.content
    assert [(token.token, token.logprob, bytes(token.bytes)) for token in tokens][1] == (" two", 0.0, b" two")
    assert [len(token.top_logprobs) for token in tokens] == [1, 1, 1]
    chunks = call.items(call("chat.create", HELLO, stream=True, logprobs=True, use_case=use_case))
    assert [chunk.choices[0].logprobs.content[0].token for chunk in chunks[:3]] == ["one", " two", " three"]
    assert call("chat.create", HELLO, use_case=use_case).choices[0].logprobs is None


def test_metadata_is_logged_as_it_is(call: Both, use_case: str) -> None:
    metadata = {"ticket": 17, "tags": ["a", {"b": None}]}
    answer = call("chat.create", HELLO, metadata=metadata, use_case=use_case)
    assert call("interactions.get", answer.id, use_case=use_case).metadata == metadata


def test_calls_made_elsewhere_are_logged(call: Both, use_case: str) -> None:
    made = [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}]
    logged = call(
        "interactions.create", "", messages=HELLO, tools=TOOLS, tool_calls=made, metadata={"a": 1}, use_case=use_case
    )
    found = call("interactions.get", logged.completion_id, use_case=use_case)
    assert [each.function.arguments for each in found.tool_calls] == ['{"city": "Rome"}']
    assert (len(found.tools), found.metadata) == (2, {"a": 1})


def test_secrets_in_calls_are_blotted_out(client: Tropism, use_case: str) -> None:
    client.use_cases.update(use_case, redact=["email"])
    said: list[Any] = [{"role": "user", "content": 'call weather {"city": "ann@example.org"}'}]
    answer = client.chat.create(said, tools=TOOLS, metadata={"by": ["bob@example.org"]}, use_case=use_case)
    assert answer.choices[0].message.tool_calls is not None
    call = answer.choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "ann@example.org"}
    found = client.interactions.get(answer.id, use_case=use_case)
    assert json.loads(found.tool_calls[0].function.arguments) == {"city": "[email]"}
    assert found.metadata == {"by": ["[email]"]}
    assert "ann@" not in found.messages[0].text
    conversation = [*said, answer.choices[0].message, {**TOOL_SAID, "tool_call_id": call.id}]
    again = client.chat.create(conversation, use_case=use_case)
    found = client.interactions.get(again.id, use_case=use_case)
    assert "@" not in str(found)


TOOL_SAID = {"role": "tool", "content": [{"type": "text", "text": "write to eve@example.org"}]}


def test_conversations_with_tools_are_left_out_of_datasets(client: Tropism, use_case: str) -> None:
    client.chat.create(CALLING, tools=TOOLS, use_case=use_case)
    client.chat.create(HELLO, metadata={"ticket": 17}, use_case=use_case)
    dataset = client.datasets.from_interactions(f"{use_case}-d", use_case=use_case)
    assert dataset.lines == 1


PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png", "detail": "low"}}


def test_an_openai_wire_gets_pictures_tools_and_history_as_they_are(
    client: Tropism, use_case: str, upstream: Upstream
) -> None:
    made = [{"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}]

    async def play(request: Request) -> None:
        usage = {
            "prompt_tokens": 30,
            "completion_tokens": 9,
            "total_tokens": 39,
            "prompt_tokens_details": {"cached_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 4},
        }
        message = {"role": "assistant", "content": None, "tool_calls": made}
        request.send({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": usage})

    upstream.model(client, use_case, play)
    messages: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, PICTURE], "name": "ann"},
        {"role": "assistant", "tool_calls": made},
        {"role": "tool", "tool_call_id": "c1", "content": "noon"},
    ]
    answer = client.chat.create(messages, tools=TOOLS, tool_choice="required", logprobs=True, use_case=use_case)
    sent = upstream.requests[-1].body
    assert sent["messages"] == messages
    assert (sent["tools"], sent["tool_choice"], sent["logprobs"]) == (TOOLS, "required", True)
    assert "parallel_tool_calls" not in sent
    found = client.interactions.get(answer.id, use_case=use_case)
    for usage in (answer.usage, found.usage):
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        assert usage.completion_tokens_details is not None
        assert (usage.prompt_tokens_details.cached_tokens, usage.completion_tokens_details.reasoning_tokens) == (20, 4)
    assert found.messages[0].text == "What is this?"
    assert answer.choices[0].message.tool_calls == found.tool_calls


def test_a_filtered_answer_says_so(client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def play(request: Request) -> None:
        request.send({"choices": [{"message": {"content": "I "}, "finish_reason": "content_filter"}], "usage": None})

    upstream.model(client, use_case, play)
    answer = client.chat.create(HELLO, use_case=use_case)
    assert answer.choices[0].finish_reason == "content_filter"
    assert client.interactions.get(answer.id, use_case=use_case).finish_reason == "content_filter"

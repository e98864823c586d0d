"""LangChain's ChatOpenAI and OpenAIEmbeddings, against a server with the bundled models."""

from __future__ import annotations

from typing import Literal

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, ConfigDict, SecretStr

from tropism.testing import RunningServer


class Capital(BaseModel):
    """What the model is made to say."""

    city: Literal["Paris", "Rome"]


class Place(BaseModel):
    """What the tool takes, and no more."""

    model_config = ConfigDict(extra="forbid")
    city: Literal["Paris", "Rome"]


@tool(args_schema=Place)
def weather(city: Literal["Paris", "Rome"]) -> str:
    """Tell the weather of a city."""
    return f"18 degrees and sunny in {city}"


def model(server: RunningServer, most: int) -> ChatOpenAI:
    return ChatOpenAI(
        model="default",
        base_url=f"{server.base_url}/v1",
        api_key=SecretStr(server.api_key),
        max_completion_tokens=most,
        temperature=0,
        stream_usage=True,
        max_retries=0,
    )


def test_chat_streams_tools_and_parsed_answers(bundled: RunningServer) -> None:
    theirs = model(bundled, 12)
    said = theirs.invoke("What is the capital of France?")
    assert said.content
    assert said.usage_metadata is not None
    assert 1 <= said.usage_metadata["output_tokens"] <= 12

    chunks = list(theirs.stream("What is the capital of France?"))
    assert len([chunk for chunk in chunks if chunk.content]) > 3
    assert [chunk.usage_metadata["input_tokens"] for chunk in chunks if chunk.usage_metadata] == [
        said.usage_metadata["input_tokens"]
    ]

    asked: list[AIMessage | HumanMessage | ToolMessage] = [HumanMessage("What is the weather in Paris?")]
    with_tools = model(bundled, 60).bind_tools([weather], tool_choice="weather")
    called = with_tools.invoke(asked)
    assert [call["name"] for call in called.tool_calls] == ["weather"]
    answers = [weather.invoke(call) for call in called.tool_calls]
    assert theirs.invoke([*asked, called, *answers]).content
    streamed = [chunk for chunk in with_tools.stream(asked) if isinstance(chunk, AIMessage)]
    whole = streamed[0]
    for chunk in streamed[1:]:
        whole = whole + chunk  # type: ignore[assignment]
    assert whole.tool_calls[0]["args"]["city"] in ("Paris", "Rome")

    parsed = model(bundled, 60).with_structured_output(Capital, method="json_schema").invoke("The capital of France?")
    assert isinstance(parsed, Capital)


def test_embeddings(bundled: RunningServer) -> None:
    theirs = OpenAIEmbeddings(
        model="search",
        base_url=f"{bundled.base_url}/v1",
        api_key=SecretStr(bundled.api_key),
        check_embedding_ctx_length=False,
    )
    assert [len(vector) for vector in theirs.embed_documents(["a cat", "a kitten"])] == [384, 384]

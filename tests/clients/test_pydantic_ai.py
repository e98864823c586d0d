"""Pydantic AI's model class for OpenAI's API, against a server with the bundled model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import openai
import pytest
from pydantic import BaseModel, ConfigDict
from pydantic_ai import Agent, ModelSettings, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tropism.testing import RunningServer


class Capital(BaseModel):
    """What the model is made to say."""

    model_config = ConfigDict(extra="forbid")
    city: Literal["Paris", "Rome"]


@pytest.fixture
async def theirs(bundled: RunningServer) -> AsyncIterator[OpenAIChatModel]:
    connection = openai.AsyncOpenAI(base_url=f"{bundled.base_url}/v1", api_key=bundled.api_key, max_retries=0)
    async with connection as client:
        yield OpenAIChatModel("default", provider=OpenAIProvider(openai_client=client))


async def test_chat_streams_tools_and_parsed_answers(theirs: OpenAIChatModel) -> None:
    short, longer = ModelSettings(max_tokens=12, temperature=0), ModelSettings(max_tokens=60, temperature=0)
    agent = Agent(theirs, model_settings=short)
    said = await agent.run("What is the capital of France?")
    assert said.output
    assert 1 <= said.usage.output_tokens <= 12

    async with agent.run_stream("What is the capital of France?") as stream:
        pieces = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
    assert len(pieces) > 3
    assert "".join(pieces) == said.output

    # Output by a tool: the model has to call it, and its arguments are the answer.
    by_tool = await Agent(theirs, output_type=Capital, model_settings=longer).run("The capital of France?")
    assert by_tool.output.city in ("Paris", "Rome")
    by_schema = await Agent(theirs, output_type=NativeOutput(Capital), model_settings=longer).run("France?")
    assert by_schema.output.city in ("Paris", "Rome")

"""Tools that a model may call, and its calls of them, in the shape of OpenAI's wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tropism.wire.values import Text

ToolName = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$(?!\n)")]


class FunctionDefinition(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A function: its name, what it is for, and the JSON schema of its arguments."""

    name: ToolName
    description: Text | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Struct, kw_only=True, frozen=True):
    """A tool that the model may call."""

    type: Literal["function"]
    function: FunctionDefinition


class FunctionName(Struct, kw_only=True, frozen=True):
    """Which function."""

    name: ToolName


class NamedTool(Struct, kw_only=True, frozen=True):
    """The model has to call this tool."""

    type: Literal["function"]
    function: FunctionName


ToolChoice = Literal["none", "auto", "required"] | NamedTool


class FunctionCall(Struct, kw_only=True, frozen=True):
    """Which function is called. `arguments` is the text of a JSON object, as the model wrote it: check it."""

    name: str
    arguments: str


class ToolCall(Struct, kw_only=True, frozen=True):
    """A call that the model asks for. Run it, and answer with a message of role `tool` and this id."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class FunctionCallDelta(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What a chunk adds to a call: first its name, then its arguments bit by bit."""

    name: str | None = None
    arguments: str = ""


class ToolCallDelta(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A fragment of the call with this index. The first one of each call carries its id, type and name."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: FunctionCallDelta


Tools = Annotated[list[Tool], Meta(max_length=128)]

"""Parts of messages as providers with wires of their own want them: `data:` URLs taken apart, arguments as objects."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tropism.engines.protocol import EngineRejected
from tropism.wire.parts import FilePart
from tropism.wire.tools import ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """Content that is sent along: its media type, and itself as base64."""

    media_type: str
    data: str


def inline(url: str) -> Inline | None:
    """What a `data:` URL holds; None for another URL."""
    if not url.startswith("data:"):
        return None
    head, comma, data = url.removeprefix("data:").partition(",")
    media_type, *options = head.split(";")
    if not comma or "base64" not in options or not media_type:
        raise EngineRejected("a data URL has to read data:MEDIA/TYPE;base64,CONTENT")
    try:
        base64.b64decode(data, validate=True)
    except ValueError:  # besides what is no base64, also what is no ASCII
        raise EngineRejected("the content of a data URL is no base64") from None
    return Inline(media_type=media_type, data=data)


def file_content(part: FilePart) -> Inline:
    """The content of a file."""
    found = inline(part.file.file_data or "")
    if found is None:
        raise EngineRejected("this provider takes files as `file_data`, a data URL with their content")
    return found


def plain_text(held: Inline) -> str:
    """Text that was sent as base64."""
    try:
        return base64.b64decode(held.data).decode()
    except UnicodeDecodeError:
        raise EngineRejected("a file of type text/plain has to be UTF-8") from None


def arguments_of(call: ToolCall) -> Mapping[str, Any]:
    """The arguments of a call as an object."""
    try:
        found = msgspec.json.decode(call.function.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise EngineRejected(f"the arguments of call {call.id!r} are no JSON object, which this provider needs")
    return found

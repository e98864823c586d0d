"""The shapes that a line of a dataset may come in, and the one that it is kept in."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from tropism.wire.chat import ChatMessage
from tropism.wire.datasets import DatasetLine, Kind
from tropism.wire.values import Key, Labels

Role = Literal["system", "user", "assistant", "document"]
LONGEST_LINE = 8 * 1024 * 1024
"""In bytes. Engines read far less, and a line is held in memory as a whole."""


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # an escaped backslash before `u0000` is a backslash and no NUL


class BadLine(Exception):
    """A line that has none of the shapes; the message says why."""


class Turn(Struct, frozen=True, forbid_unknown_fields=True):
    """One message; those of the role `document` hold what the prompt may be answered from."""

    role: Role
    content: str


class Line(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A line as it is kept and downloaded. It is one of the shapes that are taken, so that it can be uploaded again."""

    messages: list[Turn]
    completion: str | None = None
    feedbacks: dict[str, float] = {}
    preferred_completion: str | None = None
    other_completion: str | None = None
    feedback_key: str | None = None
    metadata: dict[str, Any] | None = None
    labels: dict[str, str] | None = None

    @property
    def kind(self) -> Kind:
        if self.feedback_key is not None:
            return "PREFERENCE"
        if self.completion is None:
            return "PROMPT"
        return "PROMPT_COMPLETION_FEEDBACK" if self.feedbacks else "PROMPT_COMPLETION"


_Turns = Annotated[list[Turn | tuple[Role, str]], Meta(max_length=1_000)]
_Answer = str | tuple[Literal["assistant"], str] | None
_Values = Annotated[dict[Key, float | bool], Meta(max_length=100)]


class _Given(Struct, kw_only=True, forbid_unknown_fields=True):
    """All that a line may say, under every name that it may have."""

    messages: _Turns | None = None
    input: _Turns | None = None
    prompt: _Turns | str | None = None
    completion: _Answer = None
    feedbacks: _Values | None = None
    metrics: _Values | None = None
    preferred_completion: _Answer = None
    other_completion: _Answer = None
    feedback_key: Key | None = None
    metric: Key | None = None
    metadata: dict[str, Any] | None = None
    labels: Labels | None = None


_decode_given = msgspec.json.Decoder(_Given).decode
_decode_line = msgspec.json.Decoder(Line).decode
_encode = msgspec.json.Encoder().encode


def normalised(text: bytes) -> Line:
    """A line of an uploaded file; `BadLine` if it has none of the shapes."""
    if b"\\u0000" in text and _NUL.search(text):  # the first test is quick, and hardly ever true
        raise BadLine("it holds a NUL character, which no database keeps")
    try:
        return _checked(_decode_given(text))
    except UnicodeDecodeError as error:
        raise BadLine(f"it is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise BadLine("it is nested too deeply") from None
    except msgspec.ValidationError as error:
        raise BadLine(str(error)) from None
    except msgspec.DecodeError as error:
        raise BadLine(_no_json(text, str(error))) from None


def written(line: Line) -> bytes:
    """The bytes that are kept, with the newline."""
    return _encode(line) + b"\n"


def read(text: bytes) -> Line:
    """A line as it was written."""
    return _decode_line(text)


def shown(line: Line) -> DatasetLine:
    """The line as the other domains want it: documents apart from what was said."""
    return DatasetLine(
        messages=[
            ChatMessage(role=turn.role, content=turn.content) for turn in line.messages if turn.role != "document"
        ],
        documents=[turn.content for turn in line.messages if turn.role == "document"],
        completion=line.completion,
        feedbacks=line.feedbacks,
        preferred_completion=line.preferred_completion,
        other_completion=line.other_completion,
        feedback_key=line.feedback_key,
        metadata=line.metadata,
        labels=line.labels,
    )


def _checked(given: _Given) -> Line:
    line = Line(
        messages=_messages(given),
        completion=_text(given.completion),
        feedbacks={key: float(value) for key, value in _either(given, "feedbacks", "metrics", {}).items()},
        preferred_completion=_text(given.preferred_completion),
        other_completion=_text(given.other_completion),
        feedback_key=_either(given, "feedback_key", "metric", None),
        metadata=given.metadata or None,
        labels=given.labels or None,
    )
    _check_together(line)
    return line


def _messages(given: _Given) -> list[Turn]:
    prompts = [prompt for prompt in (given.messages, given.input, given.prompt) if prompt is not None]
    if len(prompts) != 1:
        raise BadLine("give exactly one of `messages`, `input` and `prompt`")
    (prompt,) = prompts
    if isinstance(prompt, str):
        return [Turn("user", prompt)]
    turns = [turn if isinstance(turn, Turn) else Turn(*turn) for turn in prompt]
    if all(turn.role == "document" for turn in turns):
        raise BadLine("there is no message besides documents" if turns else "there is no message")
    return turns


def _check_together(line: Line) -> None:
    """A preference has both its sides and a key, and nothing of the other kinds."""
    sides = (line.preferred_completion, line.other_completion, line.feedback_key)
    if all(side is None for side in sides):
        if line.feedbacks and line.completion is None:
            raise BadLine("there are `feedbacks`, but no `completion` that they speak of")
        return
    if None in sides:
        raise BadLine("a preference needs `preferred_completion`, `other_completion` and `feedback_key`")
    if line.completion is not None or line.feedbacks:
        raise BadLine("a preference has no `completion` and no `feedbacks` besides its two sides")


def _text(answer: str | tuple[str, str] | None) -> str | None:
    return answer[1] if isinstance(answer, tuple) else answer


def _either(given: _Given, name: str, other: str, missing: Any) -> Any:
    """What stands under one of two names."""
    found = [value for value in (getattr(given, name), getattr(given, other)) if value is not None]
    if len(found) == 2:
        raise BadLine(f"`{name}` and `{other}` mean the same; give one of them")
    return found[0] if found else missing


def _no_json(text: bytes, reason: str) -> str:
    if b"\0" in text:
        return "it holds a NUL byte"
    if b"NaN" in text or b"Infinity" in text:
        return "it holds NaN or Infinity, which JSON does not have"
    return reason

"""`tropism chat` and `tropism embed`: ask a use case's models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.sdk.chat import Chat
from tropism.sdk.errors import TropismError
from tropism.sdk.inputs import MessageDict, ResponseFormat, ToolChoice
from tropism.wire.chat import Delta

Model = Annotated[str | None, Parameter(help="Ask this model instead of the use case's default.")]


def chat(
    text: str | None = None,
    *,
    use_case: UseCase,
    model: Model = None,
    stream: Annotated[bool, Parameter(negative="", help="Print the answer while it is generated.")] = False,
    system: Annotated[str | None, Parameter(help="A system prompt.")] = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    seed: int | None = None,
    schema: Annotated[Path | None, Parameter(help="A file with a JSON schema that the answer shall satisfy.")] = None,
    tools: Annotated[Path | None, Parameter(help="A file with a JSON list of tools that may be called.")] = None,
    tool_choice: Annotated[str | None, Parameter(help="`auto`, `none`, `required`, or the name of a tool.")] = None,
    engine: Engine = DEFAULT,
) -> None:
    """Ask a use case's model.

    Parameters
    ----------
    text
        What to say; read from the standard input if not given.
    """
    messages: list[MessageDict] = [] if system is None else [{"role": "system", "content": system}]
    messages.append({"role": "user", "content": _standard_input() if text is None else text})
    options: dict[str, Any] = {
        "model": model,
        "max_tokens": max_tokens,
        "temperature": temperature,
        "seed": seed,
        "response_format": None if schema is None else _format(_json(schema)),
        "tools": None if tools is None else _json(tools),
        "tool_choice": _choice(tool_choice),
    }
    with engine.client() as client:
        client.set_default_use_case(use_case)
        talk = _stream if stream else _whole
        talk(client.chat, messages, options, engine)


def _standard_input() -> str:
    if sys.stdin.isatty():
        raise TropismError("There is no text. `tropism chat 'some text' -u USE_CASE`")
    return sys.stdin.read()


def _json(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise TropismError(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise TropismError(f"{path} holds no JSON: {error}.") from error


def _format(schema: Any) -> ResponseFormat:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _choice(word: str | None) -> ToolChoice | None:
    match word:
        case None | "auto" | "none" | "required":
            return word
        case name:
            return {"type": "function", "function": {"name": name}}


def _whole(chat: Chat, messages: list[MessageDict], options: dict[str, Any], engine: Engine) -> None:
    answer = chat.create(messages, **options)
    if engine.json:
        return show.print_json(answer)
    for choice in answer.choices:
        calls = [show.call(call) for call in choice.message.tool_calls or ()]
        show.write("\n".join([*filter(None, [show.printable(choice.message.content)]), *calls]) + "\n")
        show.note(f"{choice.model} · {answer.usage.completion_tokens} tokens · completion {choice.completion_id}")


def _stream(chat: Chat, messages: list[MessageDict], options: dict[str, Any], engine: Engine) -> None:
    source = ""
    with chat.create(messages, True, **options) as stream:
        for chunk in stream:
            if engine.json:
                show.write(msgspec.json.encode(chunk).decode() + "\n")
                continue
            for choice in chunk.choices:
                source = f"{choice.model} · completion {choice.completion_id}"
                show.write(show.printable(choice.delta.content) + _called(choice.delta))
    if not engine.json:
        show.write("\n")
        show.note(source)


def _called(delta: Delta) -> str:
    """Fragments of calls as they come: a name begins a line."""
    fragments = [each.function for each in delta.tool_calls or ()]
    return show.printable(
        "".join(f"\n{each.name} {each.arguments}" if each.name else each.arguments for each in fragments)
    )


def embed(*texts: str, use_case: UseCase, model: Model = None, engine: Engine = DEFAULT) -> None:
    """Turn texts into vectors.

    Parameters
    ----------
    texts
        What to embed; each gets a vector.
    """
    if not texts:
        raise TropismError("There is no text. `tropism embed 'some text' -u USE_CASE`")
    with engine.client() as client:
        answer = client.embeddings.create(texts, model, use_case=use_case)
    rows = [(show.one_line(texts[item.index])[:30], *_vector(item.embedding)) for item in answer.data]
    show.answer(engine, answer, lambda: show.table(["Text", ">Length", "Begins with"], rows, "No vectors."))


def _vector(numbers: list[float] | str) -> tuple[int, str]:
    return len(numbers), " ".join(f"{float(number):+.3f}" for number in numbers[:4])

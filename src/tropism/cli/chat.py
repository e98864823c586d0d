"""`tropism chat` and `tropism embed`: ask a use case's models."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.sdk.chat import Chat
from tropism.sdk.errors import TropismError
from tropism.sdk.inputs import MessageDict

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
    with engine.client() as client:
        client.set_default_use_case(use_case)
        talk = _stream if stream else _whole
        talk(client.chat, messages, model, max_tokens, temperature, engine)


def _standard_input() -> str:
    if sys.stdin.isatty():
        raise TropismError("There is no text. `tropism chat 'some text' -u USE_CASE`")
    return sys.stdin.read()


def _whole(
    chat: Chat,
    messages: list[MessageDict],
    model: str | None,
    max_tokens: int | None,
    temperature: float | None,
    engine: Engine,
) -> None:
    answer = chat.create(messages, model=model, max_tokens=max_tokens, temperature=temperature)
    if engine.json:
        return show.print_json(answer)
    for choice in answer.choices:
        show.write(show.printable(choice.message.content) + "\n")
        show.note(f"{choice.model} · {answer.usage.completion_tokens} tokens · completion {choice.completion_id}")


def _stream(
    chat: Chat,
    messages: list[MessageDict],
    model: str | None,
    max_tokens: int | None,
    temperature: float | None,
    engine: Engine,
) -> None:
    source = ""
    with chat.create(messages, True, model, max_tokens=max_tokens, temperature=temperature) as stream:
        for chunk in stream:
            if engine.json:
                show.write(msgspec.json.encode(chunk).decode() + "\n")
            for choice in chunk.choices:
                source = f"{choice.model} · completion {choice.completion_id}"
                show.write("" if engine.json else show.printable(choice.delta.content))
    if not engine.json:
        show.write("\n")
        show.note(source)


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

"""How documents stand in a conversation: in its system message, each between two marks. Written and read here alone.

A replayed prompt gives its documents to the model that way, and the log keeps them so. An application that writes its
retrieved documents in the same form has answers that judges can hold against them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import structs

from tropism.wire.chat import ChatMessage

INTRODUCTION = "Answer from these documents:"
OPEN, CLOSE = "<document>", "</document>"
GAP = "\n\n"


def with_documents(messages: Sequence[ChatMessage], documents: Sequence[str]) -> list[ChatMessage]:
    """The conversation with the documents at the end of its system message, which is made if there is none."""
    if not documents:
        return list(messages)
    # A document cannot end itself: what follows would be taken for the caller's own words.
    blocks = [f"{OPEN}\n{text.replace(CLOSE, '</ document>')}\n{CLOSE}" for text in documents]
    text = "\n\n".join([INTRODUCTION, *blocks])
    if messages and messages[0].role == "system":
        return [ChatMessage(role="system", content=f"{messages[0].text}\n\n{text}"), *messages[1:]]
    return [ChatMessage(role="system", content=text), *messages]


def documents_in(messages: Sequence[ChatMessage]) -> list[str]:
    """The documents of a conversation, in their order."""
    texts = (message.text for message in messages)
    return [text[begin + len(OPEN) + 1 : end - len(CLOSE) - 1] for text in texts for begin, end in _blocks(text)]


def without_documents(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The conversation as it is without them; a system message that held nothing else is left out."""
    bare = [(message, _without(message.text)) for message in messages]
    return [
        message if text == message.text else structs.replace(message, content=text)
        for message, text in bare
        if text or not message.text or message.role != "system"
    ]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Where each document begins and ends, with its marks.

    The text is anybody's: a pattern would look through the rest of it once for each mark that begins and does not end.
    """
    begin = text.find(f"{OPEN}\n")
    while begin >= 0:
        closing = text.find(f"\n{CLOSE}", begin + len(OPEN) + 1)
        if closing < 0:
            return
        end = closing + 1 + len(CLOSE)
        yield begin, end
        begin = text.find(f"{OPEN}\n", end)


def _without(text: str) -> str:
    """The text without its documents, what introduces them, and the gaps around them."""
    kept, last = [], 0
    for begin, end in _blocks(text):
        for before in (f"{INTRODUCTION}{GAP}", GAP):
            if text.endswith(before, last, begin):
                begin -= len(before)
        kept.append(text[last:begin])
        last = end + len(GAP) if text.startswith(GAP, end) else end
    return "".join([*kept, text[last:]])

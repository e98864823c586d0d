"""How documents stand in a conversation: in its system message, each between two marks. Written and read here alone.

A replayed prompt gives its documents to the model that way, and the log keeps them so. An application that writes its
retrieved documents in the same form has answers that judges can hold against them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import structs

from tropism.wire.chat import ChatMessage

INTRODUCTION = "Answer from these documents:"
OPEN, CLOSE = "<document>", "</document>"
_BLOCK = re.compile(rf"{OPEN}\n(.*?)\n{CLOSE}", re.DOTALL)
_ALL = re.compile(rf"(?:\n\n)?(?:{re.escape(INTRODUCTION)}\n\n)?{OPEN}\n.*?\n{CLOSE}(?:\n\n)?", re.DOTALL)


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
    return [found for message in messages for found in _BLOCK.findall(message.text)]


def without_documents(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The conversation as it is without them; a system message that held nothing else is left out."""
    bare = [(message, _ALL.sub("", message.text)) for message in messages]
    return [
        message if text == message.text else structs.replace(message, content=text)
        for message, text in bare
        if text or not message.text or message.role != "system"
    ]

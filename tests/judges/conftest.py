"""Judges' models for the tests: the bundled one, and small ones that judge by rules anybody can check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tropism.judges.ask import parsed
from tropism.judges.protocol import Sample, Turn

Rule = Callable[[int, str, str], str]
"""The verdict on one numbered thing: its number, its text, and the whole question."""


def sample(completion: str = "It is 330 metres tall.", *documents: str, question: str = "How tall is it?") -> Sample:
    return Sample(messages=[Turn(role="user", content=question)], completion=completion, documents=documents)


class RuleAsk:
    """An `Ask` that judges each numbered thing of a kind by a rule, and remembers what it was asked."""

    def __init__(self, tag: str, rule: Rule) -> None:
        self._of, self._rule = re.compile(rf'<{tag} number="(\d+)">\n(.*?)\n</{tag}>', re.DOTALL), rule
        self.questions: list[str] = []

    async def __call__(
        self, messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int = 512
    ) -> Mapping[str, Any]:
        said = messages[-1].content
        self.questions.append(said)
        verdicts = {number: self._rule(int(number), text, said) for number, text in self._of.findall(said)}
        found = {number: {"reason": f"rule {number}", "verdict": verdict} for number, verdict in verdicts.items()}
        return {number: found[number] for number in schema["required"]}


class FixedAsk:
    """An `Ask` that answers the same to everything, as long as that fits the schema."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.questions: list[str] = []

    async def __call__(
        self, messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int = 512
    ) -> Mapping[str, Any]:
        self.questions.append(messages[-1].content)
        return parsed(self.text, schema)


def supported(number: int, text: str, said: str) -> str:
    """A sentence is supported if its words stand in a document."""
    if text.endswith("?"):
        return "no_claim"
    documents = " ".join(re.findall(r"<document [^>]*>\n(.*?)\n</document>", said, re.DOTALL))
    words = re.findall(r"\w+", text.lower())
    return "supported" if all(word in documents.lower() for word in words) else "unsupported"

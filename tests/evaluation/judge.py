"""A judge by rules, behind OpenAI's wire: it reads the questions of our judges and answers by overlap of words."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from tests.chat import upstream
from tests.chat.upstream import Request, Upstream

from tropism import Tropism

PATIENCE = 120.0
"""Seconds. A worker has the lowest priority: on a busy machine its start alone takes long."""
eventually = partial(upstream.eventually, seconds=PATIENCE)
WORD = re.compile(r"[a-z0-9]+")


def words(text: str) -> set[str]:
    return set(WORD.findall(text.lower()))


def between(tag: str, text: str) -> list[str]:
    return re.findall(rf"<{tag}(?: [^>]*)?>\n(.*?)\n</{tag}>", text, re.DOTALL)


@dataclass
class RuleJudge:
    """One judge model at the provider. `asked` are the questions that it was asked, in their order."""

    upstream: Upstream
    key: str = field(default_factory=lambda: f"judge-{uuid4().hex[:12]}")
    asked: list[str] = field(default_factory=list)
    seconds: float = 0.0
    """How long it thinks."""
    busy: int = 0
    """How many requests it sends away as too many before it answers the first."""

    def attach(self, client: Tropism, use_case: str, **more: Any) -> str:
        """Register the model, attach it, and return its key."""
        self.upstream.plays[self.key] = self.play
        given = {"provider": "custom", "api_key": "sk-provider-key-in-tests", "endpoint": self.upstream.url, **more}
        client.models.add_external(self.key, self.key, **given)
        client.models.attach(self.key, wait=True, use_case=use_case)
        return self.key

    async def play(self, request: Request) -> None:
        text = request.body["messages"][-1]["content"]
        self.asked.append(text)
        if self.busy:
            self.busy -= 1
            request.send({"error": {"message": "too many"}}, 429)
            return
        await asyncio.sleep(self.seconds)
        if "refuse" in text:
            request.send({"error": {"message": "not such words"}}, 400)
        elif "mumble" in text:
            request.answer("I would rather not say.")
        else:
            schema = request.body["response_format"]["json_schema"]["schema"]
            request.answer(json.dumps(answer(text, schema)), read=100, written=20)


def answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    names = schema["properties"]
    if "answers" in names:
        return relevancy(text)
    return {name: {"reason": "by its words", "verdict": verdict(text, name)} for name in names}


def relevancy(text: str) -> dict[str, Any]:
    """Complete if the answer repeats every word of the question."""
    asked, said = words(between("question", text)[-1]), words(between("answer", text)[-1])
    return {
        "reason": "by its words",
        "answers": bool(asked & said),
        "complete": asked <= said,
        "focused": said <= asked,
    }


def verdict(text: str, number: str) -> str:
    """Of a sentence: whether the documents hold its words. Of a guideline: whether the answer holds its quoted word."""
    if sentence := re.search(rf'<sentence number="{number}">\n(.*?)\n</sentence>', text, re.DOTALL):
        held = set().union(*(words(each) for each in between("document", text)))
        return "supported" if words(sentence[1]) <= held else "unsupported"
    guideline = re.search(rf'^{number}\. [^\n]*"(\w+)"', text, re.MULTILINE)
    assert guideline, text
    return "met" if guideline[1] in words(between("answer", text)[-1]) else "not_met"

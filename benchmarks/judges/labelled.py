"""The labelled samples: pairs of a good and a bad one, written for this project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tropism.judges.protocol import Sample, Turn
from tropism.judges.registry import Method

DATA = Path(__file__).parent / "data"

GOOD_FROM: Mapping[Method, float] = {"faithfulness": 0.999, "answer_relevancy": 0.5, "context_relevancy": 0.5}
"""From which score a sample passes for good: all claims supported; a relevant answer; half of the documents useful."""


class Labelled(msgspec.Struct, frozen=True):
    """A sample, and whether it is good by the measure of its method."""

    id: str
    good: bool
    question: str
    documents: list[str]
    completion: str
    why: str

    def sample(self) -> Sample:
        turns = [Turn(role="user", content=self.question)]
        return Sample(messages=turns, completion=self.completion, documents=self.documents)


def load(method: Method, most: int | None = None) -> list[Labelled]:
    """The samples of a method, good and bad in turn; `most` of them."""
    lines = (DATA / f"{method}.jsonl").read_text(encoding="utf-8").splitlines()
    return [msgspec.json.decode(line, type=Labelled) for line in lines[:most]]

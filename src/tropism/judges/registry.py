"""The methods of judging by name: what each measures, what it needs, and how to make its judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from tropism.judges.answer_relevancy import AnswerRelevancy
from tropism.judges.context_relevancy import ContextRelevancy
from tropism.judges.faithfulness import Faithfulness
from tropism.judges.guidelines import Guidelines
from tropism.judges.protocol import Guideline, Judge
from tropism.judges.show import CONTEXT

Method = Literal["faithfulness", "answer_relevancy", "context_relevancy", "custom"]
Need = Literal["completion", "documents", "guidelines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One method, as users are told of it. Each also needs a user message."""

    method: Method
    description: str
    needs: Sequence[Need]
    calls: str
    """How often the judge's model is asked per sample."""


METHODS: tuple[Description, ...] = (
    Description(
        method="faithfulness",
        description="The share of the answer's sentences that the documents support.",
        needs=("completion", "documents"),
        calls="1 per 5 sentences and 1 more for each part that long documents are read in; most samples take 1",
    ),
    Description(
        method="answer_relevancy",
        description="Whether the answer gives what was asked for, all of it, and nothing else.",
        needs=("completion",),
        calls="1",
    ),
    Description(
        method="context_relevancy",
        description="How much of the documents helps to answer the question.",
        needs=("documents",),
        calls="1 per 5 documents",
    ),
    Description(
        method="custom",
        description="The share of your guidelines that the answer meets.",
        needs=("completion", "guidelines"),
        calls="1 per 5 guidelines",
    ),
)


def make_judge(method: Method, guidelines: Sequence[Guideline] = (), *, context: int = CONTEXT) -> Judge:
    """The judge of a method; `custom` takes guidelines, the others none.

    `context` is how many tokens the judge's model holds, question and answer together: what is longer is read in parts.
    """
    if (method == "custom") != bool(guidelines):
        raise ValueError("guidelines go with method 'custom', and it needs at least one")
    match method:
        case "faithfulness":
            return Faithfulness(context=context)
        case "answer_relevancy":
            return AnswerRelevancy(context=context)
        case "context_relevancy":
            return ContextRelevancy(context=context)
        case "custom":
            return Guidelines(guidelines=tuple(guidelines), context=context)
        case _:
            raise ValueError(f"no method {method!r}; there are {', '.join(map(repr, get_args(Method)))}")


def needs_documents(method: Method) -> bool:
    """Whether a sample without documents is `Unjudgeable` for this method."""
    return any("documents" in each.needs for each in METHODS if each.method == method)

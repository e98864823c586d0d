"""Context relevancy: how much of the given documents helps to answer the question.

RAGAS (Es et al. 2023, arXiv:2309.15217) scores the share of the context's sentences that are needed; RAGChecker (Ru et
al. 2024, arXiv:2408.08067) the share of retrieved chunks that hold something relevant. Here each document gets one of
three verdicts, worth 1, 0.5 and 0, and the score is their mean: what a retriever chooses is documents, and a small
model places one of three labels more reliably than it copies sentences. The answer is not shown: it must not matter.

Calls: one per 5 documents (fewer at once where they are long).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tropism.judges.numbered import AT_ONCE, decide, tokens_for
from tropism.judges.protocol import Ask, NoAnswer, Part, Sample, Verdict
from tropism.judges.show import CONTEXT, cut, documents_of, fenced, question_of, room, weight

_NAMED = 30
"""As many tokens of a document stand for it in the verdict."""

WORTH = {"answers": 1.0, "helps": 0.5, "unrelated": 0.0}

_TASK = """Decide for each numbered document whether someone who must answer the question needs it:
- "answers": it holds the answer to the question.
- "helps": it holds a fact that is needed for the answer, but not the answer itself.
- "unrelated": it holds no such fact. Being about the same topic, or using the same words, is not enough.
First give a short reason that names the fact or what is missing, then the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRelevancy:
    """Judges the documents against the question. `context` is what the judge's model holds, in tokens."""

    context: int = CONTEXT

    async def judge(self, sample: Sample, ask: Ask) -> Verdict:
        documents = documents_of(sample)
        space = room(self.context, tokens_for(AT_ONCE))
        question = question_of(sample, space.question)
        shown = [cut(document, space.documents) for document in documents]
        parts: list[Part] = []
        worth: list[float] = []
        try:
            for numbers in _packed(shown, space.documents):
                text = "\n".join(fenced("document", shown[number - 1], number) for number in numbers)
                asked = f"The question:\n{question}\nThe documents:\n{text}\n\n{_TASK}"
                for number, finding in (await decide(ask, asked, numbers, tuple(WORTH))).items():
                    worth.append(WORTH[finding.verdict])
                    name = f"document {number}: {cut(documents[number - 1], _NAMED)}"
                    parts.append(Part(text=name, holds=worth[-1] > 0, reason=finding.reason))
        except NoAnswer as error:
            return Verdict(score=None, reason=f"abstained: {error}", parts=parts)
        return _verdict(worth, parts, sum(a != b for a, b in zip(documents, shown, strict=True)))


def _packed(documents: Sequence[str], most: int) -> list[list[int]]:
    """The numbers of the documents, as many together as fit."""
    packed: list[list[int]] = [[]]
    used = 0
    for number, document in enumerate(documents, 1):
        if packed[-1] and (used + weight(document) > most or len(packed[-1]) == AT_ONCE):
            packed.append([])
            used = 0
        packed[-1].append(number)
        used += weight(document)
    return packed


def _verdict(worth: Sequence[float], parts: Sequence[Part], shortened: int) -> Verdict:
    good = sum(part.holds is True for part in parts)
    reason = f"{good} of {len(parts)} documents help to answer the question"
    if len(parts) == 1:
        reason = f"the document {'helps' if good else 'does not help'} to answer the question: {parts[0].reason}"
    if shortened:
        reason += f"; of {shortened} long ones only the beginning and the end were read"
    return Verdict(score=sum(worth) / len(worth), reason=reason, parts=parts)

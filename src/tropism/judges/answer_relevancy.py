"""Answer relevancy: whether an answer answers what was asked, all of it, and nothing else.

RAGAS (Es et al. 2023, arXiv:2309.15217) has a model guess questions from the answer and compares their embeddings with
the real one, and gives evasive answers zero. That takes three generations and an embedding model, and a wrong answer
of the right kind and a right one look alike to it, as they do here: whether the answer is true is not asked. Here the
judge decides three yes-or-no questions after giving a reason (a short form of G-Eval, Liu et al. 2023,
arXiv:2303.16634, without its free numbers, which models bunch together). The score is 0 where the answer does not give
what was asked for, evasions and refusals included; else 1/3, and 1/3 more each if it is complete and if it is focused.
An empty answer scores 0 without a call.

Calls: one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tropism.judges.protocol import Ask, NoAnswer, Part, Sample, Turn, Verdict
from tropism.judges.show import CONTEXT, RULES, cut, fenced, question_of, room

_CRITERIA = {
    "answers": "gives what was asked for",
    "complete": "covers every part of the question",
    "focused": "adds nothing that was not asked for",
}
_TOKENS = 160
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 240},
        **{name: {"type": "boolean"} for name in _CRITERIA},
    },
    "required": ["reason", *_CRITERIA],
    "additionalProperties": False,
}
_TASK = """Judge only whether the answer fits the question, not whether it is true. A longer answer is not a better one.
- "answers": true if it gives what was asked for. An evasion, a refusal, or an answer to another question is false.
- "complete": true if every part of the question is answered.
- "focused": true if it adds nothing that was not asked for.
First give a short reason, then the three values, each true or false.
Answer with this JSON: {"reason": "...", "answers": ..., "complete": ..., "focused": ...}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRelevancy:
    """Judges an answer against its question alone. `context` is what the judge's model holds, in tokens."""

    context: int = CONTEXT

    async def judge(self, sample: Sample, ask: Ask) -> Verdict:
        space = room(self.context, _TOKENS)
        question = question_of(sample, space.question)
        if not sample.completion.strip():
            return Verdict(score=0.0, reason="the completion is empty")
        answer = cut(sample.completion.strip(), space.answer + space.documents)
        said = f"The question:\n{question}\nThe answer:\n{fenced('answer', answer)}\n\n{_TASK}"
        messages = [Turn(role="system", content=RULES), Turn(role="user", content=said)]
        try:
            found = await ask(messages, _SCHEMA, max_tokens=_TOKENS)
        except NoAnswer as error:
            return Verdict(score=None, reason=f"abstained: {error}")
        note = "" if answer == sample.completion.strip() else "; only its beginning and its end were read"
        return _verdict(found, note)


def _verdict(found: Mapping[str, Any], note: str) -> Verdict:
    parts = [Part(text=text, holds=found[name]) for name, text in _CRITERIA.items()]
    score = sum(part.holds is True for part in parts) / len(parts) if found["answers"] else 0.0
    return Verdict(score=score, reason=" ".join(found["reason"].split()) + note, parts=parts)

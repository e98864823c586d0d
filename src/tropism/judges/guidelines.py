"""Custom guidelines: whether an answer does what the user's own guidelines say, one verdict and reason for each.

The score is the share of the guidelines that are met, of those that apply; it is a checklist and not a mark out of ten,
for models agree with people, and with themselves, better on small questions (Liu et al. 2023, arXiv:2303.16634).

Calls: one per 5 guidelines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tropism.judges.numbered import AT_ONCE, batches, decide, tokens_for
from tropism.judges.protocol import Ask, Guideline, NoAnswer, Part, Sample, Verdict
from tropism.judges.show import CONTEXT, Room, answer_of, conversation_of, cut, fenced, room, weight
from tropism.judges.windows import windows

_HOLDS = {"met": True, "not_met": False, "not_applicable": None}

_TASK = """Decide for each numbered guideline:
- "not_applicable" if it speaks only of a case that is not this one. This is rare.
- "met" if the answer follows it.
- "not_met" if the answer does not follow it, or not wholly.
Judge each guideline alone. A longer answer is not a better one. First give a short reason, then the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidelines:
    """Judges an answer by guidelines. `context` is what the judge's model holds, in tokens."""

    guidelines: Sequence[Guideline]
    context: int = CONTEXT

    async def judge(self, sample: Sample, ask: Ask) -> Verdict:
        rules = [_listed(batch) for batch in batches(list(enumerate(self.guidelines, 1)))]
        space = room(self.context - max(map(weight, rules), default=0), tokens_for(AT_ONCE))
        material, note = _material(sample, space)
        parts: list[Part] = []
        try:
            for batch in batches(list(enumerate(self.guidelines, 1))):
                asked = f"{material}\n\nThe guidelines:\n{_listed(batch)}\n\n{_TASK}"
                found = await decide(ask, asked, [number for number, _ in batch], tuple(_HOLDS))
                parts += [
                    Part(text=each.name, holds=_HOLDS[found[number].verdict], reason=found[number].reason)
                    for number, each in batch
                ]
        except NoAnswer as error:
            return Verdict(score=None, reason=f"abstained: {error}", parts=parts)
        return _verdict(parts, note)


def _listed(batch: Sequence[tuple[int, Guideline]]) -> str:
    return "\n".join(f"{number}. {each.name}: {each.description}" for number, each in batch)


def _material(sample: Sample, space: Room) -> tuple[str, str]:
    """The documents where there are some, the conversation and the answer; and what of them is not shown."""
    answer = cut(answer_of(sample), space.answer)
    note = "" if answer == answer_of(sample) else "; of the answer only the beginning and the end were read"
    documents = [document for document in sample.documents if document.strip()]
    shown = windows(documents, space.documents).windows if documents else []
    if len(shown) > 1:
        note += "; of the documents only the beginning was read"
    said = [*shown[:1], conversation_of(sample, space.question), f"The answer:\n{fenced('answer', answer)}"]
    return "\n".join(said), note


def _verdict(parts: Sequence[Part], note: str) -> Verdict:
    counted = [part for part in parts if part.holds is not None]
    if not counted:
        return Verdict(score=None, reason="abstained: no guideline applies to this sample", parts=parts)
    good = sum(part.holds is True for part in counted)
    reason = f"{good} of {len(counted)} guidelines are met"
    if bad := [part for part in counted if not part.holds]:
        reason += f"; not {bad[0].text!r}: {bad[0].reason}"
    return Verdict(score=good / len(counted), reason=reason + note, parts=parts)

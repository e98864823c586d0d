"""Faithfulness: how much of an answer is supported by the documents that were given with it.

The measure is the share of the answer's claims that the documents support, as in RAGAS (Es et al. 2023,
arXiv:2309.15217) and, over atomic facts, in FActScore (Min et al. 2023, arXiv:2305.14251). Here a claim is a sentence,
cut in code: that saves RAGAS's first call, and no model can leave a claim out. It is stricter on long sentences: one
with two facts, of which one is made up, is unsupported. A sentence that claims nothing ("I do not know.") does not
count; an answer without any claim has no score.

Calls: one per 5 sentences and window of the documents; for most samples that is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tropism.judges.numbered import AT_ONCE, Finding, batches, decide, tokens_for
from tropism.judges.protocol import Ask, NoAnswer, Part, Sample, Verdict
from tropism.judges.sentences import sentences
from tropism.judges.show import CONTEXT, Room, answer_of, cut, documents_of, fenced, question_of, room
from tropism.judges.windows import Windows, windows

MOST_SENTENCES = 50
"""Of longer answers only the beginning is judged: every five more are a call."""

SUPPORTED, UNSUPPORTED, NO_CLAIM = "supported", "unsupported", "no_claim"

# The way out comes first and is called rare: named last, the bundled model took it for nearly every sentence.
_TASK = """Decide for each numbered sentence of the answer:
- "no_claim" if it only greets, asks, offers, or says that something is not known. This is rare.
- "supported" if the documents say what it says, in any words, or it follows directly from them.
- "unsupported" if the documents say something else, or do not say all of it, even if it is true.
First give a short reason with the words of a document that decide it, then the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithfulness:
    """Judges whether an answer keeps to its documents. `context` is what the judge's model holds, in tokens."""

    context: int = CONTEXT

    async def judge(self, sample: Sample, ask: Ask) -> Verdict:
        said = sentences(answer_of(sample))
        claims = list(enumerate(said[:MOST_SENTENCES], 1))
        space = room(self.context, tokens_for(AT_ONCE))
        shown = windows(documents_of(sample), space.documents)
        question = question_of(sample, space.question)
        found: dict[int, Finding] = {}
        try:
            for batch in batches(claims):
                found |= await _batch(ask, batch, question, shown, space)
        except NoAnswer as error:
            return Verdict(score=None, reason=f"abstained: {error}", parts=_parts(claims, found))
        note = f"; only the first {MOST_SENTENCES} of {len(said)} sentences were judged"
        return _verdict(claims, found, shown.note + (note if len(said) > MOST_SENTENCES else ""))


async def _batch(
    ask: Ask, batch: Sequence[tuple[int, str]], question: str, shown: Windows, space: Room
) -> Mapping[int, Finding]:
    """A sentence is supported if one window supports it; only what is still open is asked of the next."""
    found: dict[int, Finding] = {}
    left = list(batch)
    for window in shown.windows:
        said = "\n".join(fenced("sentence", cut(text, space.answer // len(left)), number) for number, text in left)
        text = f"{window}\nThe question:\n{question}\nThe sentences of the answer:\n{said}\n\n{_TASK}"
        found |= await decide(ask, text, [number for number, _ in left], (SUPPORTED, UNSUPPORTED, NO_CLAIM))
        left = [claim for claim in left if found[claim[0]].verdict == UNSUPPORTED]
        if not left:
            break
    return found


def _parts(claims: Sequence[tuple[int, str]], found: Mapping[int, Finding]) -> list[Part]:
    holds = {SUPPORTED: True, UNSUPPORTED: False}
    nothing = Finding(NO_CLAIM, "")
    return [
        Part(text=text, holds=holds.get(finding.verdict), reason=finding.reason)
        for number, text in claims
        for finding in [found.get(number, nothing)]
    ]


def _verdict(claims: Sequence[tuple[int, str]], found: Mapping[int, Finding], note: str) -> Verdict:
    parts = _parts(claims, found)
    counted = [part for part in parts if part.holds is not None]
    if not counted:
        return Verdict(score=None, reason="abstained: the answer claims nothing" + note, parts=parts)
    good = sum(part.holds is True for part in counted)
    reason = f"the documents support {good} of {len(counted)} sentences"
    if bad := [part for part in counted if not part.holds]:
        reason += f"; not {cut(bad[0].text, 60)!r}: {bad[0].reason}"
    return Verdict(score=good / len(counted), reason=reason + note, parts=parts)

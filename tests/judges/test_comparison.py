"""Comparison: both orders are asked, and a judge who goes by the place or gives no answer has no preference."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tropism.judges.comparison import compare
from tropism.judges.protocol import Turn, Unjudgeable

from .conftest import FixedAsk, sample

SHORT, LONG = "It is 330 metres tall.", "Towers are tall buildings, and many people like to look at them from afar."


async def right(messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int = 512) -> Mapping[str, Any]:
    """A judge that prefers the answer with the number."""
    a, b = re.findall(r"<answer>\n(.*?)\n</answer>", messages[-1].content, re.DOTALL)
    better = "equal" if ("330" in a) == ("330" in b) else "A" if "330" in a else "B"
    return {"reason": f"{better} has the number", "better": better}


@pytest.mark.parametrize(
    ("one", "other", "winner"), [(SHORT, LONG, "first"), (LONG, SHORT, "second"), (LONG, LONG, None)]
)
async def test_the_better_answer_wins_in_either_place(one: str, other: str, winner: str | None) -> None:
    found = await compare(sample(one), other, right)
    assert (found.winner, found.consistent, found.abstained) == (winner, True, False)
    assert found.length_difference == len(one) - len(other)
    assert len(found.reasons) == 2


@pytest.mark.parametrize("place", ["A", "B"])
async def test_who_goes_by_the_place_has_no_preference(place: str) -> None:
    ask = FixedAsk(json.dumps({"reason": "it stands there", "better": place}))
    found = await compare(sample(SHORT), LONG, ask)
    assert (found.winner, found.consistent, found.abstained) == (None, False, False)
    assert len(ask.questions) == 2
    assert ask.questions[0].index(SHORT) < ask.questions[0].index(LONG)
    assert ask.questions[1].index(LONG) < ask.questions[1].index(SHORT)


async def test_a_broken_answer_is_an_abstention() -> None:
    found = await compare(sample(SHORT), LONG, FixedAsk("the first"))
    assert (found.winner, found.abstained) == (None, True)
    assert found.reasons[0].startswith("abstained")


async def test_an_empty_answer_cannot_be_compared() -> None:
    with pytest.raises(Unjudgeable, match="empty"):
        await compare(sample(SHORT), " ", right)


async def test_what_matters_and_the_documents_are_told() -> None:
    ask = FixedAsk('{"reason": "", "better": "equal"}')
    await compare(sample(SHORT, "A document."), LONG, ask, guideline="Brevity.")
    assert "What matters most: Brevity." in ask.questions[0]
    assert "A document." in ask.questions[0]

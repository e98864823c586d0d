"""Asking: what is broken is asked again, what stays broken is an abstention, and everything is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tropism.engines.protocol import EngineError
from tropism.judges.ask import Generated, asking, parsed
from tropism.judges.protocol import NoAnswer, Turn

SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["yes", "no"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
QUESTION = [Turn(role="system", content="Judge."), Turn(role="user", content="Is it?")]


class Says:
    """A model that gives these answers in turn."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Sequence[Turn], int, int]] = []

    async def __call__(
        self, messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int, attempt: int
    ) -> Generated:
        self.asked.append((messages, max_tokens, attempt))
        return Generated(text=self.answers[attempt], prompt_tokens=10, completion_tokens=2)


@pytest.mark.parametrize(
    "text", ['{"verdict": "yes"}', '```json\n{"verdict": "yes"}\n```', 'Sure! {"verdict": "yes"} I hope this helps.']
)
async def test_an_answer_is_found_in_its_wrapping(text: str) -> None:
    assert await asking(Says(text))(QUESTION, SCHEMA) == {"verdict": "yes"}


async def test_a_broken_answer_is_asked_again_with_what_was_wrong_and_more_room() -> None:
    model = Says('{"verdict": "y', '{"verdict": "perhaps"}', '{"verdict": "no"}')
    ask = asking(model)
    assert await ask(QUESTION, SCHEMA, max_tokens=100) == {"verdict": "no"}
    assert [(most, attempt) for _, most, attempt in model.asked] == [(100, 0), (200, 1), (300, 2)]
    assert [len(messages) for messages, _, _ in model.asked] == [2, 2, 2]
    assert "Your last answer is not JSON" in model.asked[1][0][-1].content
    assert "'perhaps' is not one of" in model.asked[2][0][-1].content
    assert (ask.calls, ask.prompt_tokens, ask.completion_tokens) == (3, 30, 6)


async def test_what_stays_broken_is_no_answer() -> None:
    ask = asking(Says("no", "{}", "[1]"))
    with pytest.raises(NoAnswer, match="in 3 attempts"):
        await ask(QUESTION, SCHEMA)
    assert ask.calls == 3


async def test_an_error_of_the_engine_goes_through_at_once() -> None:
    async def fails(*_: object, **__: object) -> Generated:
        raise EngineError("down")

    with pytest.raises(EngineError, match="down"):
        await asking(fails)(QUESTION, SCHEMA)


@pytest.mark.parametrize("text", ["", "null", "[[[[", "{" * 100_000, '{"verdict": "yes", "more": 1}', '{"verdict": 1}'])
def test_what_does_not_fit_is_no_answer(text: str) -> None:
    with pytest.raises(NoAnswer):
        parsed(text, SCHEMA)

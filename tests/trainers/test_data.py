"""Lines of datasets become what a method learns from, and validation sees no prompt that training saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tropism.trainers import data
from tropism.trainers.config import ConfigError, Feedback, TrainingRun
from tropism.wire.chat import ChatMessage
from tropism.wire.datasets import DatasetLine

STARS = Feedback(key="stars")


def _line(prompt: str, completion: str | None = None, **rest: Any) -> DatasetLine:
    return DatasetLine(messages=[ChatMessage(role="user", content=prompt)], completion=completion, **rest)


def _rated(prompt: str, completion: str, stars: float) -> DatasetLine:
    return _line(prompt, completion, feedbacks={"stars": stars})


def _texts(rows: list[data.Row], *names: str) -> list[tuple[str, ...]]:
    return [tuple(row[name][0]["content"] for name in names) for row in rows]


@pytest.mark.parametrize(("scoring_type", "kept"), [("higher_is_better", "long"), ("lower_is_better", "short")])
def test_only_completions_that_reach_the_threshold_are_imitated(scoring_type: Any, kept: str) -> None:
    lines = [_rated("a", "long", 4.0), _rated("b", "short", 2.0), _line("c", "unrated")]
    rows = data.completions(lines, Feedback(key="stars", scoring_type=scoring_type, threshold=3.0))
    assert _texts(rows, "completion") == [(kept,)]


def test_a_threshold_that_nothing_reaches_is_named() -> None:
    with pytest.raises(ConfigError, match=r"reaches 9\.0"):
        data.completions([_rated("a", "b", 1.0)], Feedback(key="stars", threshold=9.0))


def test_preferences_are_pairs() -> None:
    line = _line("a", preferred_completion="good", other_completion="bad", feedback_key="taste")
    assert _texts(data.pairs([line], None), "prompt", "chosen", "rejected") == [("a", "good", "bad")]


def test_feedback_on_the_same_prompt_makes_pairs() -> None:
    lines = [_rated("a", "good", 5.0), _rated("a", "fair", 3.0), _rated("a", "same", 3.0), _rated("b", "alone", 1.0)]
    assert set(_texts(data.pairs(lines, STARS), "chosen", "rejected")) == {("good", "fair"), ("good", "same")}


def test_a_gap_that_is_too_small_makes_no_pair() -> None:
    lines = [_rated("a", "good", 5.0), _rated("a", "fair", 4.5)]
    with pytest.raises(ConfigError, match="no pairs"):
        data.pairs(lines, Feedback(key="stars", smallest_gap=1.0))


def test_scores_point_up_and_have_a_spread_of_one() -> None:
    rows = data.scores(
        [_rated("a", "x", 1.0), _rated("b", "y", 3.0)], Feedback(key="stars", scoring_type="lower_is_better")
    )
    assert [row["score"] for row in rows] == [1.0, -1.0]


def test_scores_that_are_all_the_same_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs two"):
        data.scores([_rated("a", "x", 1.0), _rated("b", "y", 1.0)], STARS)


def test_each_prompt_is_asked_once_and_documents_come_before_it() -> None:
    lines = [_line("a", documents=["The sky is blue."]), _line("a", documents=["The sky is blue."]), _line("b")]
    rows = data.prompts(lines)
    assert [[turn["role"] for turn in row["prompt"]] for row in rows] == [["system", "user"], ["user"]]


def test_validation_sees_no_prompt_that_training_saw() -> None:
    rows = data.completions([_line(f"{number % 10}", str(number)) for number in range(40)], None)
    train, held_out = data.split(rows, TrainingRun(method="SFT", base="b", data=["d"], validation_share=0.2))
    assert len(held_out) >= 8
    assert len(train) + len(held_out) == 40
    assert not {row[0] for row in _texts(train, "prompt")} & {row[0] for row in _texts(held_out, "prompt")}


def test_the_split_is_the_same_for_the_same_seed() -> None:
    rows = data.completions([_line(str(number), "x") for number in range(30)], None)
    one, same, other = (TrainingRun(method="SFT", base="b", data=["d"], seed=seed) for seed in (1, 1, 2))
    assert data.split(rows, one) == data.split(rows, same)
    assert data.split(rows, one) != data.split(rows, other)


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(msgspec.json.encode(_line("a")) + b"\n{}\n")
    with pytest.raises(ConfigError, match=r"line 2 of 'lines\.jsonl'"):
        data.read([path])

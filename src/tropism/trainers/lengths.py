"""Leaves out what is too long to learn from: cut in the middle, it would teach to stop there, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tropism.trainers.config import ConfigError, TrainingRun
from tropism.trainers.data import Row

_ANSWERS = ("completion", "chosen", "rejected")


def fitting(rows: Sequence[Row], run: TrainingRun, tokenizer: Any, warn: Callable[[str], None]) -> list[Row]:
    """The rows of at most `max_tokens`, with room for the completion if it is still to be written."""
    kept = [row for row in rows if _tokens(row, run, tokenizer) <= run.max_tokens]
    if not kept:
        raise ConfigError(f"no line of the data has {run.max_tokens} tokens or fewer: raise `max_tokens`")
    if len(kept) < len(rows):
        left_out = len(rows) - len(kept)
        warn(f"{left_out} of {len(rows)} lines are longer than {run.max_tokens} tokens and left out")
    return kept


def _tokens(row: Row, run: TrainingRun, tokenizer: Any) -> int:
    """How long the longest conversation of a row is."""
    answers = [row[name] for name in _ANSWERS if name in row]
    if not answers:
        asked = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=True)
        return len(asked["input_ids"]) + run.max_completion_tokens
    told = tokenizer.apply_chat_template([[*row["prompt"], *answer] for answer in answers], return_dict=True)
    return max(map(len, told["input_ids"]))

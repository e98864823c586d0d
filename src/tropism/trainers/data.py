"""The lines of datasets as rows that a method learns from, and the split into training and validation."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tropism.trainers.config import ConfigError, Feedback, TrainingRun
from tropism.wire.datasets import DatasetLine

Row = dict[str, Any]
_decode = msgspec.json.Decoder(DatasetLine).decode


def read(paths: Iterable[Path]) -> list[DatasetLine]:
    """All lines, in their order. Raises ConfigError that names the file and line which is none."""
    return [line for path in paths for line in _lines(path)]


def fingerprint(lines: Iterable[DatasetLine]) -> str:
    """The SHA-256 of all lines: which data a model was trained on."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(msgspec.json.encode(line) + b"\n")
    return digest.hexdigest()


def completions(lines: Sequence[DatasetLine], feedback: Feedback | None) -> list[Row]:
    """Prompts with the completions to imitate: all, or those whose feedback is good enough."""
    chosen = [line for line in lines if line.completion is not None and _passes(line, feedback)]
    if not chosen:
        wanted = f" with feedback {feedback.key!r} that reaches {feedback.threshold}" if feedback else ""
        raise ConfigError(f"none of {len(lines)} lines has a completion{wanted}; lower the threshold or add data")
    return [{"prompt": _prompt(line), "completion": _said(line.completion or "")} for line in chosen]


def prompts(lines: Sequence[DatasetLine]) -> list[Row]:
    """Each prompt once, with its metadata as JSON for the reward."""
    rows = {(_key(line), _json(line.metadata)): _prompt(line) for line in lines if line.messages}
    if not rows:
        raise ConfigError("there are no prompts in the data; add lines with `messages`")
    return [{"prompt": prompt, "metadata_json": metadata} for (_, metadata), prompt in rows.items()]


def pairs(lines: Sequence[DatasetLine], feedback: Feedback | None) -> list[Row]:
    """A better and a worse completion of the same prompt: as people preferred, or as their feedback orders them."""
    preferred = [line for line in lines if line.preferred_completion is not None and line.other_completion is not None]
    if feedback:
        preferred = [line for line in preferred if line.feedback_key in (None, feedback.key)]
    rows = [_pair(line, line.preferred_completion or "", line.other_completion or "") for line in preferred]
    rows += _ordered(lines, feedback) if feedback else []
    if not rows:
        raise ConfigError(
            "there are no pairs in the data: add preferences, or name the `feedback` of which two completions of the "
            "same prompt have different values; with one completion per prompt, use SFT with a threshold"
        )
    return rows


def scores(lines: Sequence[DatasetLine], feedback: Feedback) -> list[Row]:
    """Completions with a value, higher meaning better, scaled so that the values have mean 0 and spread 1."""
    rated = [line for line in lines if line.completion is not None and feedback.key in line.feedbacks]
    values = [_worth(line, feedback) for line in rated]
    if len(set(values)) < 2:
        raise ConfigError(
            f"feedback {feedback.key!r} has {len(set(values))} different values; a reward model needs two"
        )
    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    return [
        {"prompt": _prompt(line), "completion": _said(line.completion or ""), "score": (value - mean) / spread}
        for line, value in zip(rated, values, strict=True)
    ]


def split(rows: list[Row], run: TrainingRun) -> tuple[list[Row], list[Row]]:
    """Training and validation. A prompt is in one of them only, or validation would measure memory."""
    groups: dict[bytes, list[Row]] = {}
    for row in rows:
        groups.setdefault(msgspec.json.encode(row["prompt"]), []).append(row)
    wanted = min(run.max_validation_lines, round(len(rows) * run.validation_share)) if run.num_validations else 0
    order = list(groups)
    random.Random(run.seed).shuffle(order)
    held_out: set[bytes] = set()
    taken = 0
    for key in order[:-1]:
        if taken >= wanted:
            break
        held_out.add(key)
        taken += len(groups[key])
    kept = [row for row in rows if msgspec.json.encode(row["prompt"]) not in held_out]
    return kept, [row for key in order if key in held_out for row in groups[key]][: run.max_validation_lines]


def _lines(path: Path) -> Iterator[DatasetLine]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield _decode(line)
                except msgspec.DecodeError as error:
                    raise ConfigError(f"line {number} of {path.name!r} is no line of a dataset: {error}") from error
    except OSError as error:
        raise ConfigError(f"cannot read the data {str(path)!r}: {error.strerror}") from error


def _prompt(line: DatasetLine) -> list[Row]:
    """The turns, with documents at the end of the system message: many chat templates take only one, and first."""
    turns = [{"role": turn.role, "content": turn.text} for turn in line.messages]
    if not line.documents:
        return turns
    said = [turns.pop(0)["content"]] if turns and turns[0]["role"] == "system" else []
    return [{"role": "system", "content": "\n\n".join([*said, *line.documents])}, *turns]


def _said(text: str) -> list[Row]:
    return [{"role": "assistant", "content": text}]


def _key(line: DatasetLine) -> bytes:
    return msgspec.json.encode(_prompt(line))


def _json(metadata: dict[str, Any] | None) -> str:
    return msgspec.json.encode(metadata).decode()


def _worth(line: DatasetLine, feedback: Feedback) -> float:
    value = line.feedbacks[feedback.key]
    return value if feedback.scoring_type == "higher_is_better" else -value


def _passes(line: DatasetLine, feedback: Feedback | None) -> bool:
    if feedback is None:
        return True
    if feedback.key not in line.feedbacks:
        return False
    if feedback.threshold is None:
        return True
    sign = 1 if feedback.scoring_type == "higher_is_better" else -1
    return _worth(line, feedback) >= sign * feedback.threshold


def _pair(line: DatasetLine, better: str, worse: str) -> Row:
    return {"prompt": _prompt(line), "chosen": _said(better), "rejected": _said(worse)}


def _ordered(lines: Sequence[DatasetLine], feedback: Feedback) -> list[Row]:
    """Of each prompt's completions, every two whose values differ enough."""
    by_prompt: dict[bytes, list[DatasetLine]] = {}
    for line in lines:
        if line.completion is not None and feedback.key in line.feedbacks:
            by_prompt.setdefault(_key(line), []).append(line)
    return [
        _pair(better, better.completion or "", worse.completion or "")
        for rated in by_prompt.values()
        for better, worse in itertools.permutations(rated, 2)
        if _worth(better, feedback) - _worth(worse, feedback) > feedback.smallest_gap
        and better.completion != worse.completion
    ]

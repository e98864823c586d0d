"""A reward model: a language model with one number as its output, trained on what people preferred or how they rated.

Run it as `python -m tropism.trainers.reward_model FOLDER`. PPO and GRPO take the folder `model` that it leaves as their
reward. Look at the validation's `accuracy` first: how often it puts the better of two held-out completions above the
other. A model near 0.5 guesses, and nothing should be trained on guesses.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from peft import get_peft_model
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments
from trl import RewardConfig, RewardTrainer

from datasets import Dataset
from tropism.trainers import data, rewards
from tropism.trainers.config import ConfigError
from tropism.trainers.model import fresh_adapter
from tropism.trainers.session import Session, run_trainer


def prepare(session: Session) -> Any:
    """Pairs if there are preferences, else the values of the feedback themselves."""
    preferred = any(line.preferred_completion is not None for line in session.lines)
    if not preferred and not session.run.feedback:
        raise ConfigError(
            "without preferences in the data a reward model needs `feedback`: which key, and which way is up"
        )
    return _from_pairs(session) if preferred else _from_scores(session)


def _from_pairs(session: Session) -> RewardTrainer:
    """The loss is how surprising the preference is, given the difference of the two rewards (Bradley-Terry)."""
    rows = session.split(data.pairs(session.lines, session.run.feedback))
    return RewardTrainer(
        model=_model(session),
        args=RewardConfig(**session.arguments(max_length=session.run.max_tokens)),
        processing_class=session.tokenizer,
        peft_config=fresh_adapter(session.run, "SEQ_CLS"),
        **rows,
    )


def _from_scores(session: Session) -> Trainer:
    """The loss is the squared error of the value, which was scaled to mean 0 and spread 1."""
    assert session.run.feedback
    rows = session.split(data.scores(session.lines, session.run.feedback))
    model, adapter = _model(session), fresh_adapter(session.run, "SEQ_CLS")
    model.config.problem_type = "regression"
    return Trainer(
        model=get_peft_model(model, adapter) if adapter else model,
        args=TrainingArguments(**session.arguments()),
        data_collator=DataCollatorWithPadding(session.tokenizer),
        compute_metrics=_accuracy,
        **{name: found and _tokens(session, found) for name, found in rows.items()},
    )


def _model(session: Session) -> Any:
    model = rewards.load_base(session.base)
    # The reward is read at the last token that is no filling.
    model.config.pad_token_id = session.tokenizer.pad_token_id
    return model


def _tokens(session: Session, rows: Dataset) -> Dataset:
    def tokens(row: dict[str, Any]) -> dict[str, Any]:
        made = session.tokenizer.apply_chat_template([*row["prompt"], *row["completion"]], return_dict=True)
        return {name: made[name] for name in ("input_ids", "attention_mask")} | {"labels": row["score"]}

    return rows.map(tokens, remove_columns=rows.column_names)


def _accuracy(found: Any) -> dict[str, float]:
    """The share of all pairs with different values whose rewards are in the right order."""
    predicted, wanted = found.predictions.reshape(-1), found.label_ids.reshape(-1)
    pairs = [(a, b) for a, b in combinations(range(len(wanted)), 2) if wanted[a] != wanted[b]]
    right = [(predicted[a] > predicted[b]) == (wanted[a] > wanted[b]) for a, b in pairs]
    return {"accuracy": sum(map(bool, right)) / len(right)} if right else {}


if __name__ == "__main__":
    run_trainer(prepare)

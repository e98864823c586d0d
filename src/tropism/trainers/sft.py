"""Supervised fine-tuning (SFT): imitate the completions, or only those whose feedback reaches a threshold.

Run it as `python -m tropism.trainers.sft FOLDER`, or `accelerate launch -m tropism.trainers.sft FOLDER`.
"""

from __future__ import annotations

from trl import SFTConfig, SFTTrainer

from tropism.trainers import data
from tropism.trainers.model import fresh_adapter
from tropism.trainers.session import Session, run_trainer


def prepare(session: Session) -> SFTTrainer:
    """The loss is the negative log-likelihood of the completion's tokens; the prompt's do not count."""
    run = session.run
    rows = session.split(data.completions(session.lines, run.feedback))
    settings = SFTConfig(**session.arguments(max_length=run.max_tokens))
    return SFTTrainer(
        model=session.load_model(),
        args=settings,
        processing_class=session.tokenizer,
        peft_config=fresh_adapter(run),
        **rows,
    )


if __name__ == "__main__":
    run_trainer(prepare)

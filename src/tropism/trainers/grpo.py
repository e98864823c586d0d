"""Group relative policy optimisation (GRPO): of several completions to a prompt, favour those with higher rewards.

Run it as `python -m tropism.trainers.grpo FOLDER`, or `accelerate launch -m tropism.trainers.grpo FOLDER`.
"""

from __future__ import annotations

from trl import GRPOConfig, GRPOTrainer

from tropism.trainers import data
from tropism.trainers.model import fresh_adapter
from tropism.trainers.rollouts import rewarding, rollouts
from tropism.trainers.session import Session, run_trainer


def prepare(session: Session) -> GRPOTrainer:
    """The advantage of a completion is its reward less its group's mean, by the group's spread; no critic."""
    run = session.run
    rows = session.split(data.prompts(session.lines), at_least=run.batch_size // run.group_size)
    settings = GRPOConfig(**session.arguments(**rollouts(run), num_generations=run.group_size))
    return GRPOTrainer(
        model=session.load_model(),
        args=settings,
        processing_class=session.tokenizer,
        peft_config=fresh_adapter(run),
        **rewarding(session),
        **rows,
    )


if __name__ == "__main__":
    run_trainer(prepare)

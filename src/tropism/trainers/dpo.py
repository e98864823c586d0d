"""Direct preference optimisation (DPO): make the better of two completions more likely, and the worse one less.

Run it as `python -m tropism.trainers.dpo FOLDER`, or `accelerate launch -m tropism.trainers.dpo FOLDER`.
"""

from __future__ import annotations

from trl import DPOConfig, DPOTrainer

from tropism.trainers import config, data
from tropism.trainers.model import fresh_adapter
from tropism.trainers.session import Session, run_trainer


def prepare(session: Session) -> DPOTrainer:
    """The loss compares how much likelier each completion became than under the model that training began with.

    With an adapter, that model is the same one without it, or with a copy of the parent's. Full weights are loaded
    twice: the log-probabilities could be worked out beforehand, but not any more when a run is resumed.
    """
    run = session.run
    rows = session.split(data.pairs(session.lines, run.feedback))
    settings = DPOConfig(**session.arguments(beta=config.kl_div_coeff(run), max_length=run.max_tokens))
    return DPOTrainer(
        model=session.load_model(),
        ref_model=session.load_model() if run.training_type == "FULL_WEIGHTS" else None,
        args=settings,
        processing_class=session.tokenizer,
        peft_config=fresh_adapter(run),
        **rows,
    )


if __name__ == "__main__":
    run_trainer(prepare)

"""Proximal policy optimisation (PPO): favour the tokens after which it went better than a critic had expected.

Run it as `python -m tropism.trainers.ppo FOLDER`, or `accelerate launch -m tropism.trainers.ppo FOLDER`. trl has no PPO
any more, but its GRPO does all but the critic: writing, rewards, clipping, KL, logging. So this is GRPO with a critic's
advantages instead of a group's. It leans on inner methods of trl, whose version is therefore pinned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from trl import GRPOConfig, GRPOTrainer

from tropism.trainers import data
from tropism.trainers.arguments import PPO_ITERATIONS
from tropism.trainers.critic import Critic, advantages, value_loss
from tropism.trainers.model import fresh_adapter
from tropism.trainers.rollouts import rewarding, rollouts
from tropism.trainers.session import Session, run_trainer

CRITIC_FILE = "critic.pt"
CRITIC_LEARNING_RATE = 1e-3
GROUP = 2
"""trl wants two completions per prompt at least; the critic needs no group."""
DISCOUNT, SMOOTHING = 1.0, 0.95
VALUE_WEIGHT, VALUE_CLIP = 0.5, 0.2


def prepare(session: Session) -> GRPOTrainer:
    """Two updates per batch of completions, each token weighing the same."""
    run = session.run
    rows = session.split(data.prompts(session.lines), at_least=run.batch_size // GROUP)
    special = {"num_generations": GROUP, "num_iterations": PPO_ITERATIONS, "loss_type": "bnpo"}
    return PPOTrainer(
        model=session.load_model(),
        args=GRPOConfig(**session.arguments(**rollouts(run), **special)),
        processing_class=session.tokenizer,
        peft_config=fresh_adapter(run),
        **rewarding(session),
        **rows,
    )


class PPOTrainer(GRPOTrainer):
    """GRPO whose advantages come from a critic, one per token."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        policy = self._policy()
        place = next(policy.parameters()).device
        self.critic = Critic(policy.config.get_text_config().hidden_size).to(place)
        self._states: Any = None
        self._foreseen: list[Any] = []
        self._reading, self._is_new = 0, False
        policy.get_decoder().register_forward_hook(self._keep_states)

    def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
        """The critic learns with the policy, at a rate of its own."""
        optimizer = super().create_optimizer(*args, **kwargs)
        weights = list(self.critic.parameters())
        if not any(known is weights[0] for group in optimizer.param_groups for known in group["params"]):
            optimizer.add_param_group({"params": weights, "lr": CRITIC_LEARNING_RATE, "weight_decay": 0.0})
            # The trainer knows the policy only: what it does to gradients is done to the critic's here.
            optimizer.register_step_pre_hook(lambda *_: self._share_gradients(weights))
            optimizer.register_step_post_hook(lambda *_: self.critic.zero_grad())
        return optimizer

    def _policy(self) -> Any:
        model = self.accelerator.unwrap_model(self.model)
        return model.get_base_model() if hasattr(model, "get_base_model") else model

    def _keep_states(self, module: Any, inputs: Any, output: Any) -> None:
        self._states = output.last_hidden_state
        if self._reading:
            self._foreseen.append(self._values(self._reading))

    def _share_gradients(self, weights: list[Any]) -> None:
        for weight in weights:
            if weight.grad is not None:
                weight.grad = self.accelerator.reduce(weight.grad, "mean")
        nn.utils.clip_grad_norm_(weights, self.args.max_grad_norm or float("inf"))

    def _values(self, length: int) -> Any:
        """What the critic expects before each token of the completions. Its errors do not change the policy."""
        return self.critic(self._states[:, -length - 1 : -1].detach())

    def _calculate_rewards(self, inputs: Any, prompts: Any, *args: Any, **kwargs: Any) -> Any:
        rewards = super()._calculate_rewards(inputs, prompts, *args, **kwargs)
        total = (rewards * self.reward_weights.to(rewards.device)).nansum(1)
        # They come from all processes; this one's are those of its own prompts.
        first = self.accelerator.process_index * len(prompts)
        self._rewards = total[first : first + len(prompts)]
        return rewards

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        self._foreseen, self._is_new = [], True
        batch = super()._generate_and_score_completions(inputs)
        assert "old_per_token_logps" in batch, "with two updates per batch, trl remembers the policy that wrote it"
        mask = batch["completion_mask"].float()
        values = torch.cat(self._foreseen) * mask
        found = advantages(self._rewards, values, mask, DISCOUNT, SMOOTHING)
        batch["old_values"], batch["returns"] = values, found + values
        batch["advantages"] = self._standardised(found, mask)
        self._explain(values, batch["returns"], mask)
        return batch

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, *rest: Any, **named: Any
    ) -> Any:
        """trl's first pass over a new batch is the policy's own; the critic reads along, which spares it another."""
        self._reading, self._is_new = (logits_to_keep if self._is_new else 0), False
        try:
            return super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, *rest, **named
            )
        finally:
            self._reading = 0

    def _standardised(self, found: Any, mask: Any) -> Any:
        """With mean 0 and spread 1 over all tokens of all processes."""
        sums = torch.stack([mask.sum(), (found * mask).sum(), (found.pow(2) * mask).sum()])
        count, total, squares = self.accelerator.reduce(sums, "sum")
        mean = total / count
        spread = (squares / count - mean**2).clamp(min=1e-8).sqrt()
        return (found - mean) / (spread + 1e-4) * mask

    def _explain(self, values: Any, returns: Any, mask: Any) -> None:
        """How much of the differences in reward the critic foresaw: 1 is all, 0 is no better than their mean."""
        mean = (returns * mask).sum() / mask.sum().clamp(min=1)
        spread = ((returns - mean) ** 2 * mask).sum().clamp(min=1e-6)
        unexplained = ((returns - values) ** 2 * mask).sum() / spread
        self._note("explained_variance", 1 - unexplained)

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        loss = super()._compute_loss(model, inputs)
        mask = inputs["completion_mask"].float()
        values = self._values(mask.size(1))
        missed = value_loss(values, inputs["old_values"], inputs["returns"], mask, VALUE_CLIP)
        self._note("value_loss", missed)
        parts = self.current_gradient_accumulation_steps if self.model.training else 1
        return loss + VALUE_WEIGHT * missed / parts

    def _note(self, name: str, value: Any) -> None:
        self._metrics["train" if self.model.training else "eval"][name].append(value.item())

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self.is_world_process_zero():
            folder = Path(self._get_output_dir(trial=trial), f"checkpoint-{self.state.global_step}")
            torch.save(self.critic.state_dict(), folder / CRITIC_FILE)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self.critic.load_state_dict(torch.load(Path(resume_from_checkpoint, CRITIC_FILE), weights_only=True))


if __name__ == "__main__":
    run_trainer(prepare)

"""The critic of PPO: expects the reward at each token of a completion, and says which tokens did better than that."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Critic(nn.Module):
    """Reads the last hidden states of the policy itself; it adds one layer, and changes nothing of the policy."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norm, self.out = nn.LayerNorm(hidden), nn.Linear(hidden, 1)
        # It begins by expecting nothing, rather than anything.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, states: Any) -> Any:
        """Expected rewards, in the shape of the states without their last dimension."""
        return self.out(self.norm(states.float())).squeeze(-1)


def advantages(rewards: Any, values: Any, mask: Any, discount: float, smoothing: float) -> Any:
    """Generalised advantage estimation: how much better than expected it went from each token on.

    `rewards` has one number per completion, given at its last token; `values` and `mask` one per token.
    """
    length = values.size(1)
    given = torch.zeros_like(values)
    last = mask.sum(1).long().clamp(min=1) - 1
    given[torch.arange(len(values), device=values.device), last] = rewards.to(values)
    found, carried = torch.zeros_like(values), torch.zeros_like(values[:, 0])
    for step in reversed(range(length)):
        following = values[:, step + 1] * mask[:, step + 1] if step + 1 < length else torch.zeros_like(carried)
        surprise = given[:, step] + discount * following - values[:, step]
        carried = (surprise + discount * smoothing * carried) * mask[:, step]
        found[:, step] = carried
    return found


def value_loss(values: Any, before: Any, returns: Any, mask: Any, clip: float) -> Any:
    """Half the squared error; a value that moved further than `clip` from what it was gains nothing by it."""
    clipped = before + (values - before).clamp(-clip, clip)
    error = torch.maximum((values - returns) ** 2, (clipped - returns) ** 2)
    return 0.5 * (error * mask).sum() / mask.sum().clamp(min=1)

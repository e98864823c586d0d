"""What a reward is: something that says how good answers are, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from tropism.wire.rewards import Turn

Conversation: TypeAlias = Sequence[Turn]
"""The last turn is the answer that is scored."""
Metadata: TypeAlias = Mapping[str, Any]


class RewardError(Exception):
    """No rewards; the message says why, fit for the caller's eyes."""


class RewardGone(RewardError):
    """Whoever gives the rewards did not answer for as long as was waited: keep what is done, and try again later."""


class RewardRefused(RewardError):
    """The answer was no, or is none that counts. The same question would get the same answer: stop at once."""


class Reward(Protocol):
    """Gives rewards."""

    async def score(
        self, conversations: Sequence[Conversation], metadata: Sequence[Metadata | None] | None = None
    ) -> list[float]:
        """One finite number for each conversation, in their order; more is better.

        `metadata` is what each prompt came with, one for each conversation, or None. Raises `RewardGone` and
        `RewardRefused`.
        """
        ...

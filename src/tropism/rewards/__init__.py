"""Reward servers: yours, in ten lines, and what trainers ask them with. The extra `rewards` brings what it needs."""

from __future__ import annotations

from tropism.rewards.server import Request, RewardServer, Score
from tropism.wire.rewards import Info, Turn

__all__ = ["Info", "Request", "RewardServer", "Score", "Turn"]

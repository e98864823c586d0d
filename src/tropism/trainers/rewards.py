"""Where rewards come from: a reward server that is asked for each batch, or a reward model that is loaded here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import torch
from peft import PeftConfig, PeftModel
from transformers import AutoModelForSequenceClassification

from tropism.egress.policy import allowing
from tropism.rewards.remote import Limits, RemoteReward
from tropism.trainers.config import ConfigError, RewardServer
from tropism.trainers.events import EventWriter
from tropism.trainers.interrupt import Interrupt, Interrupted
from tropism.wire.rewards import Turn

Rewarding = Callable[..., Awaitable[list[float]]]
"""Prompts and completions of a batch to their rewards, as trl calls it."""


def from_server(server: RewardServer, writer: EventWriter, interrupt: Interrupt) -> Rewarding:
    """Ask a reward server. While it is away training waits; a stop ends the wait, and so does its patience."""
    limits = Limits(
        batch=server.batch_size,
        at_once=server.concurrency,
        answer=server.timeout_seconds,
        patience=server.patience_seconds,
    )
    egress = allowing(server.egress)

    async def reward(prompts: list[Any], completions: list[Any], **columns: Any) -> list[float]:
        turns = [_turns(*pair) for pair in zip(prompts, completions, strict=True)]
        metadata = [msgspec.json.decode(found) for found in columns["metadata_json"]]
        reasons: set[str] = set()

        def wait(reason: str) -> None:
            if interrupt.requested():
                raise Interrupted
            if reason not in reasons:
                reasons.add(reason)
                writer.warn(f"training waits for {server.url}: {reason}")

        # Opened anew for each batch: trl owns the event loop, and does not say when it ends.
        async with RemoteReward(server.url, egress=egress, limits=limits, on_wait=wait) as remote:
            return await remote.score(turns, metadata)

    return reward


def load_model(path: Path) -> Any:
    """A reward model of our own making; its adapter is merged, so that it scores as fast as it can."""
    if not path.is_dir():
        raise ConfigError(f"there is no reward model at {str(path)!r}: give the folder `model` of a REWARD_MODEL run")
    if not (path / "adapter_config.json").exists():
        return AutoModelForSequenceClassification.from_pretrained(path, num_labels=1, dtype=torch.float32)
    base = load_base(PeftConfig.from_pretrained(path).base_model_name_or_path)
    return PeftModel.from_pretrained(base, path).merge_and_unload()


def load_base(path: str | Path) -> Any:
    """A language model with a new head that gives one number."""
    return AutoModelForSequenceClassification.from_pretrained(path, num_labels=1, dtype=torch.float32)


def _turns(prompt: list[Any], completion: list[Any]) -> list[Turn]:
    return [Turn(role=turn["role"], content=turn["content"]) for turn in [*prompt, *completion]]

"""The arguments that all trainers of trl share, worked out from a run: lengths in steps, batches, precision."""

from __future__ import annotations

import math
import os
from typing import Any

import torch

from tropism.trainers.config import TrainingRun
from tropism.trainers.model import has_bfloat16

PPO_ITERATIONS = 2
"""PPO learns so often from each batch of completions; a critic needs that, and clipping keeps it safe."""


def arguments(run: TrainingRun, output: str, training_rows: int, validation_rows: int) -> dict[str, Any]:
    """Keyword arguments for `TrainingArguments` and all that trl derives from it."""
    total = updates(run, training_rows)
    micro = micro_batch(run)
    validating = bool(validation_rows and run.num_validations)
    return {
        "output_dir": output,
        "max_steps": total,
        "learning_rate": run.learning_rate,
        "lr_scheduler_type": run.schedule,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": run.batch_size // (micro * _devices()),
        "per_device_eval_batch_size": micro,
        "eval_strategy": "steps" if validating else "no",
        "eval_steps": _every(run, total, run.num_validations),
        "eval_on_start": validating,
        "save_strategy": "steps",
        "save_steps": _every(run, total, run.checkpoints),
        "save_total_limit": 2,
        "logging_steps": 1,
        # It would show the last good loss instead of the one that is no number.
        "logging_nan_inf_filter": False,
        "seed": run.seed,
        "data_seed": run.seed,
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
        # On by default in trl. Most CPUs only emulate bfloat16, and recomputing activations saves small models nothing.
        "bf16": has_bfloat16(),
        "activation_checkpointing": torch.cuda.is_available(),
    }


def updates(run: TrainingRun, rows: int) -> int:
    """How many steps of the optimizer the run takes."""
    if run.steps:
        return run.steps * iterations(run)
    return run.num_epochs * math.ceil(rows / run.batch_size)


def iterations(run: TrainingRun) -> int:
    """How many updates a method makes with each batch of data."""
    return PPO_ITERATIONS if run.method == "PPO" else 1


def micro_batch(run: TrainingRun) -> int:
    """The largest part of a device's share of the batch that may be computed at once, so that all parts are equal."""
    share = max(1, run.batch_size // _devices())
    return max(size for size in range(1, min(run.micro_batch_size, share) + 1) if share % size == 0)


def _devices() -> int:
    """Set by `accelerate launch` and torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _every(run: TrainingRun, total: int, times: int) -> int:
    """The steps between two of so many; between the updates of one batch a checkpoint could not go on."""
    of_one_batch = iterations(run)
    return max(1, math.ceil(total / max(1, times) / of_one_batch)) * of_one_batch

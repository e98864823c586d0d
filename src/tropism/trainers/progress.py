"""Turns what transformers and trl log into the events of a run; stops it when asked, and when its loss is no number."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accelerate.utils import gather_object
from transformers import TrainerCallback

from tropism.trainers import checkpoints, protocol
from tropism.trainers.events import EventWriter, now
from tropism.trainers.interrupt import Interrupt

_TIMES = ("runtime", "samples_per_second", "steps_per_second", "epoch", "flos", "num_tokens", "model_preparation_time")
_SILENT_STEPS = 3


class Diverged(Exception):
    """The loss or the gradient is no number any more. The message says what to change."""


class ProgressCallback(TrainerCallback):
    """One for all methods: trl's trainers call it after each step, validation and checkpoint."""

    def __init__(self, writer: EventWriter, interrupt: Interrupt) -> None:
        self._writer, self._interrupt = writer, interrupt
        self._began = self._last = time.monotonic()
        self._first_step, self._tokens, self._same_rewards = 0, 0.0, 0
        self.validated: set[int] = set()
        """The steps after which the held-out lines were looked at."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        self._began = self._last = time.monotonic()
        self._first_step = state.global_step

    def on_step_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        if state.global_step == self._first_step:
            # The validation before the first step is not part of its speed.
            self._began = self._last = time.monotonic()

    def on_substep_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        self._stop_if_asked(args, state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        self._stop_if_asked(args, state, control)

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **rest: Any) -> None:
        if any(name.startswith("eval_") for name in logs):
            self._validated(state, logs)
        elif "loss" in logs:
            self._stepped(state, logs)

    def on_save(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        if not state.is_world_process_zero:
            return
        checkpoint = Path(args.output_dir, f"checkpoint-{state.global_step}")
        checkpoints.mark_complete(checkpoint)
        path = f"{protocol.CHECKPOINTS}/{checkpoint.name}"
        self._writer.write(protocol.Saved(at=now(), step=state.global_step, path=path))

    def _stop_if_asked(self, args: Any, state: Any, control: Any) -> None:
        # Processes that train together stop together, or one waits for the others for ever.
        if any(gather_object([self._interrupt.requested()])):
            control.should_training_stop = True
            kept = Path(args.output_dir, f"checkpoint-{state.global_step}", checkpoints.COMPLETE)
            control.should_save = not kept.exists()
            control.should_evaluate = False

    def _stepped(self, state: Any, logs: Mapping[str, Any]) -> None:
        _refuse_divergence(state.global_step, logs)
        numbers = _numbers(logs, "")
        loss, learning_rate = numbers.pop("loss"), numbers.pop("learning_rate", 0.0)
        reward, kl = numbers.pop("reward", None), numbers.pop("kl", None)
        done = state.global_step - self._first_step
        seconds = (time.monotonic() - self._began) / max(1, done)
        self._writer.write(
            protocol.Progress(
                at=now(),
                step=state.global_step,
                total=state.max_steps,
                loss=loss,
                learning_rate=learning_rate,
                reward=reward,
                kl=kl,
                tokens_per_second=self._speed(logs.get("num_tokens")),
                eta_seconds=round(seconds * (state.max_steps - state.global_step), 1),
                memory_bytes=memory_bytes(),
                metrics=numbers,
            )
        )
        self._warn_of_equal_rewards(numbers.get("frac_reward_zero_std"))

    def _validated(self, state: Any, logs: Mapping[str, Any]) -> None:
        numbers = _numbers(logs, "eval_")
        self.validated.add(state.global_step)
        metrics = {name: value for name, value in numbers.items() if name != "loss"}
        step, total = state.global_step, state.max_steps
        loss = numbers.get("loss")
        self._writer.write(protocol.Validation(at=now(), step=step, total=total, loss=loss, metrics=metrics))

    def _speed(self, tokens: Any) -> float | None:
        """Tokens of prompts and completions per second since the last step; trl counts from the beginning."""
        if not isinstance(tokens, int | float):
            return None
        moment, before, then = time.monotonic(), self._tokens, self._last
        self._tokens, self._last = float(tokens), moment
        return round((tokens - before) / max(1e-6, moment - then), 1) if tokens > before else None

    def _warn_of_equal_rewards(self, share: float | None) -> None:
        self._same_rewards = self._same_rewards + 1 if share == 1.0 else 0
        if self._same_rewards == _SILENT_STEPS:
            self._writer.warn(
                f"for {_SILENT_STEPS} steps all completions of a prompt got the same reward, so there is nothing to "
                "learn from: raise the temperature or the group size, or stop if the reward is as high as can be"
            )


def memory_bytes() -> int:
    """The most memory that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _numbers(logs: Mapping[str, Any], prefix: str) -> dict[str, float]:
    """What is a finite number, without times, which an event has of its own. A batch without rewards logs None."""
    named = {name.removeprefix(prefix): value for name, value in logs.items() if name.startswith(prefix)}
    return {
        name: float(value)
        for name, value in named.items()
        if name not in _TIMES and isinstance(value, int | float) and math.isfinite(value)
    }


def _refuse_divergence(step: int, logs: Mapping[str, Any]) -> None:
    for name in ("loss", "grad_norm"):
        value = logs.get(name, 0.0)
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise Diverged(
                f"at step {step} the {'loss' if name == 'loss' else 'gradient'} was {value}: begin again with a tenth "
                f"of the learning rate {logs.get('learning_rate')}, or go on from the last checkpoint with it"
            )

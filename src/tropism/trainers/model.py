"""The model that training begins with: loaded from safetensors, or from a GGUF file that is converted once."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from tropism.trainers.config import ConfigError, Lora, TrainingRun

VERSION = 1
"""Part of every converted folder's name: raise it when the conversion changes."""


def base_folder(run: TrainingRun, folder: Path) -> Path:
    """The base as safetensors. A GGUF file is converted once for all runs with this cache; it takes a minute."""
    base = folder / run.base
    if base.is_dir():
        return base
    if not base.is_file():
        raise ConfigError(f"there is no base model at {str(base)!r}: give a folder of safetensors or a GGUF file")
    return _converted(base, folder / run.cache)


def load_tokenizer(path: Path) -> Any:
    """The tokenizer, with something to fill short lines of a batch up with."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    if tokenizer.chat_template is None:
        raise ConfigError(f"the tokenizer in {str(path)!r} has no chat template; take an instruction-tuned model")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(base: Path, run: TrainingRun, folder: Path) -> Any:
    """What is trained. With a parent adapter, that one on its base; full weights have it merged in."""
    start = _start(base, run, folder)
    model = AutoModelForCausalLM.from_pretrained(start, dtype=dtype(run))
    if run.parent_adapter and run.training_type == "PARAMETER_EFFICIENT":
        return PeftModel.from_pretrained(model, folder / run.parent_adapter, is_trainable=True)
    return model


def fresh_adapter(run: TrainingRun, task: str = "CAUSAL_LM") -> Any:
    """The adapter to add; None when all weights are trained, or an adapter is there already."""
    if run.training_type == "FULL_WEIGHTS" or run.parent_adapter:
        return None
    lora = run.lora or Lora()
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets or "all-linear",
        task_type=task,
        # The head that gives the score is new: an adapter on random weights would learn nothing.
        modules_to_save=["score"] if task == "SEQ_CLS" else None,
    )


def dtype(run: TrainingRun) -> Any:
    """Full precision, but for adapters on a GPU that computes in bfloat16: there the frozen base takes half the memory.

    CPUs without bfloat16 emulate it six times slower.
    """
    return torch.bfloat16 if has_bfloat16() and run.training_type == "PARAMETER_EFFICIENT" else torch.float32


def has_bfloat16() -> bool:
    return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())


def _start(base: Path, run: TrainingRun, folder: Path) -> Path:
    """Full weights after an adapter: merge the two on disk, as trl loads the reference model from there again."""
    if not run.parent_adapter or run.training_type == "PARAMETER_EFFICIENT":
        return base
    merged = folder / "start"
    with _lock(folder / "start.lock"):
        if not merged.exists():
            model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
            model = PeftModel.from_pretrained(model, folder / run.parent_adapter).merge_and_unload()
            _publish(model, AutoTokenizer.from_pretrained(base), merged)
    return merged


def _converted(gguf: Path, cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    with gguf.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = cache / f"{digest[:32]}-v{VERSION}"
    with _lock(target.with_suffix(".lock")):
        if not target.exists():
            _convert(gguf, target)
    return target


def _convert(gguf: Path, target: Path) -> None:
    where = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    # Without dequantize, the model loads but cannot be saved.
    whole = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32, quantization_config=whole)
    _publish(model, tokenizer, target)


def _publish(model: Any, tokenizer: Any, target: Path) -> None:
    """Only a whole model ever has the final name."""
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    partial.replace(target)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Several runs may want the same: one works, the others wait. The lock goes with its process."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

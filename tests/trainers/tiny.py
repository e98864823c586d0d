"""A model of 50,000 random weights with a tokenizer of its own, and runs of it in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast, set_seed

from tropism.trainers import config, protocol
from tropism.trainers.config import Lora, TrainingRun
from tropism.wire.chat import ChatMessage
from tropism.wire.datasets import DatasetLine

TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n{{ turn['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = ["What is the colour of the sky?", "It is blue today.", "Say yes or no, please.", "user assistant system"]
SECONDS = 240
ERRORS = "errors.txt"

_WARM = multiprocessing.get_context("forkserver")
_WARM.set_forkserver_preload(["trl", "tropism.trainers.sft"])


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes and a few merges of them, as GPT-2 has it."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learn = trainers.BpeTrainer(vocab_size=320, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator(WORDS * 4, learn)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|im_end|>", pad_token="<|im_end|>")
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(folder: Path, architecture: str = "llama", seed: int = 0) -> Path:
    """Save it where a run can begin with it."""
    tokenizer = make_tokenizer()
    set_seed(seed)
    shape = AutoConfig.for_model(
        architecture,
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.1,
    )
    AutoModelForCausalLM.from_config(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def line(prompt: str, **rest: Any) -> DatasetLine:
    """A line of a dataset with one question."""
    return DatasetLine(messages=[ChatMessage(role="user", content=prompt)], **rest)


def write(path: Path, lines: Sequence[DatasetLine]) -> str:
    """Save the lines, and return where."""
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return str(path)


def run_of(method: config.Method, base: Path, data: str, **rest: Any) -> TrainingRun:
    """A short run: big steps, an adapter on everything."""
    settings: dict[str, Any] = {
        "learning_rate": 5e-3,
        "schedule": "constant",
        "batch_size": 8,
        "max_tokens": 128,
        "num_validations": 1,
        "threads": 1,
        "lora": None if rest.get("training_type") == "FULL_WEIGHTS" or rest.get("parent_adapter") else Lora(rank=4),
    }
    return TrainingRun(method=method, base=str(base), data=[data], **(settings | rest))


def start(folder: Path, run: TrainingRun) -> BaseProcess:
    """Start the trainer in a process of its own."""
    config.save(folder, run)
    return _started(protocol.MODULES[run.method], folder)


def train(folder: Path, run: TrainingRun) -> protocol.Result:
    """Train to the end, whichever it is."""
    start(folder, run).join(SECONDS)
    result = protocol.read_result(folder)
    assert result is not None, (folder / ERRORS).read_text()
    return result


def export(folder: Path, wanted: config.Export) -> protocol.Exported:
    """Export what was trained."""
    config.save(folder, wanted)
    _started(protocol.EXPORT_MODULE, folder).join(SECONDS)
    exported = protocol.read_exported(folder)
    assert exported is not None, (folder / ERRORS).read_text()
    return exported


def wait_for(process: BaseProcess, folder: Path, kind: type[protocol.Event], step: int) -> None:
    """Wait until the run says that it came so far."""
    while process.is_alive():
        if any(isinstance(event, kind) and getattr(event, "step", -1) >= step for event in events(folder)):
            return
        time.sleep(0.01)
    raise AssertionError((folder / ERRORS).read_text())


def _started(module: str, folder: Path) -> BaseProcess:
    """A process that is made from one that has imported everything, which takes seconds."""
    process = _WARM.Process(target=_run, args=(module, str(folder)))
    process.start()
    return process


def _run(module: str, folder: str) -> None:
    """What `python -m MODULE FOLDER` does, with what it prints kept in a file."""
    errors = os.open(Path(folder, ERRORS), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    sys.argv = [module, folder]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def events(folder: Path) -> list[protocol.Event]:
    """All that the run said."""
    return protocol.EventReader(folder).read()


def losses(folder: Path) -> list[float]:
    """The loss of each step, in the order of the events."""
    return [event.loss for event in events(folder) if isinstance(event, protocol.Progress)]

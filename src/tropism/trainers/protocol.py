"""How a trainer talks with whoever started it: the files of a run's folder, the events, the result.

The folder holds `config.json`, `events.jsonl`, `checkpoints/`, at the end `model/` and `result.json`. A file named
`stop`, or SIGTERM, ends the run within one step. With `--with-parent` it also ends when its standard input does.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from tropism.trainers.config import Method

_T = TypeVar("_T")

EVENTS = "events.jsonl"
RESULT = "result.json"
STOP = "stop"
MODEL = "model"
EXPORTED = "exported.json"
ADAPTER_GGUF = "adapter.gguf"
MODEL_GGUF = "model.gguf"
CHECKPOINTS = "checkpoints"
WITH_PARENT = "--with-parent"

MODULES: Mapping[Method, str] = MappingProxyType(
    {
        "SFT": "tropism.trainers.sft",
        "DPO": "tropism.trainers.dpo",
        "PPO": "tropism.trainers.ppo",
        "GRPO": "tropism.trainers.grpo",
        "REWARD_MODEL": "tropism.trainers.reward_model",
    }
)
"""`python -m MODULE FOLDER` trains by this method."""
ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_WAIT_POLICY": "PASSIVE"}
)
"""What to set around a trainer: all it reads are files, and threads that wait should leave their core to others."""
EXPORT_MODULE = "tropism.trainers.export"
"""`python -m tropism.trainers.export FOLDER` brings what was trained to llama.cpp."""
PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "safetensors")


class Began(Struct, kw_only=True, frozen=True, tag_field="event", tag="began"):
    """The model is loaded. A run that was resumed begins at a `step` above 0 and repeats later steps' events."""

    at: int
    """Milliseconds since 1970, as in every event."""
    step: int
    total: int
    training_lines: int
    validation_lines: int
    trainable_parameters: int
    parameters: int


class Progress(Struct, kw_only=True, frozen=True, tag_field="event", tag="progress"):
    """One step is done. `loss` is what was minimised, `kl` the distance from the model that training began with.

    There is no new reward where PPO learns from a batch for the second time.
    """

    at: int
    step: int
    total: int
    loss: float
    learning_rate: float
    reward: float | None
    kl: float | None
    tokens_per_second: float | None
    eta_seconds: float
    memory_bytes: int
    metrics: dict[str, float]
    """What else the method measures, under the names that TRL gives it."""


class Validation(Struct, kw_only=True, frozen=True, tag_field="event", tag="validation"):
    """The held-out lines were looked at. At step 0 this is what the model was worth before."""

    at: int
    step: int
    total: int
    loss: float | None
    metrics: dict[str, float]


class Saved(Struct, kw_only=True, frozen=True, tag_field="event", tag="saved"):
    """A checkpoint is complete; `path` is relative to the run's folder."""

    at: int
    step: int
    path: str


class Warned(Struct, kw_only=True, frozen=True, tag_field="event", tag="warned"):
    """Something a person should know, such as a reward server that is waited for."""

    at: int
    message: str


Event = Began | Progress | Validation | Saved | Warned
Status = Literal["COMPLETED", "STOPPED", "FAILED"]


class Result(Struct, kw_only=True, frozen=True):
    """How a run ended. `model` is a folder within the run's; `before` and `after` are its first and last validation."""

    status: Status
    step: int
    total: int
    model: str | None
    error: str | None
    before: dict[str, float]
    after: dict[str, float]
    seconds: float
    peak_memory_bytes: int
    data_sha256: str | None
    versions: dict[str, str]


class Exported(Struct, kw_only=True, frozen=True):
    """How an export ended. `file` is a GGUF file in the run's folder, or None with the reason in `error`."""

    file: str | None
    bytes: int
    parity: dict[str, float] | None
    error: str | None


_decode = msgspec.json.Decoder(Event).decode


class EventReader:
    """Reads the events of a run while it writes them. `offset` is how far it came, in bytes: keep it to go on later."""

    def __init__(self, folder: Path, offset: int = 0) -> None:
        self._path = folder / EVENTS
        self.offset = offset

    def read(self) -> list[Event]:
        """The events since the last call. A line that is only half written waits for the next call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self.offset)
                written = file.read()
        except FileNotFoundError:
            return []
        whole = written[: written.rfind(b"\n") + 1]
        self.offset += len(whole)
        return [_decode(line) for line in whole.splitlines()]


def read_result(folder: Path) -> Result | None:
    """How the run ended; None while it runs, and after it was killed."""
    return _read(folder / RESULT, Result)


def read_exported(folder: Path) -> Exported | None:
    """How the export ended; None while it runs, and after it was killed."""
    return _read(folder / EXPORTED, Exported)


def write_whole(path: Path, outcome: Result | Exported) -> None:
    """Replace the file in one go: whoever sees it sees all of it."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(outcome)))
    partial.replace(path)


def ask_to_stop(folder: Path) -> None:
    """Let the run end after the step that it is in. It keeps its last checkpoint."""
    (folder / STOP).touch()


def command(module: str, folder: Path) -> list[str]:
    """What to start, with a pipe as standard input that stays open, so that a trainer never outlives its parent."""
    return [sys.executable, "-m", module, str(folder), WITH_PARENT]


def _read(path: Path, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None


def missing_packages() -> list[str]:
    """Which packages of `pip install 'tropism[train]'` are not installed."""
    return [name for name in PACKAGES if find_spec(name) is None]

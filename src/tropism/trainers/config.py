"""What one training run shall do: the file `config.json` in the run's folder, and what makes no sense in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

Method = Literal["SFT", "DPO", "PPO", "GRPO", "REWARD_MODEL"]
TrainingType = Literal["PARAMETER_EFFICIENT", "FULL_WEIGHTS"]
ScoringType = Literal["higher_is_better", "lower_is_better"]
Positive = Annotated[float, Meta(gt=0)]
AtLeastOne = Annotated[int, Meta(ge=1)]

KL_DIV_COEFF = {"DPO": 0.1, "PPO": 0.02, "GRPO": 0.02}
"""How much it costs to move away from the model that training began with, unless someone says otherwise."""
FILE = "config.json"
EXPORT_FILE = "export.json"
_T = TypeVar("_T")


class ConfigError(ValueError):
    """The run makes no sense; the message says why, and the nearest that works."""


class Lora(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The shape of an adapter. `targets` are names of layers; None takes every linear layer but the last."""

    rank: Annotated[int, Meta(ge=1, le=512)] = 8
    alpha: Positive = 16.0
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    targets: list[str] | None = None


class Feedback(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The feedback to learn from. SFT keeps the lines whose value reaches `threshold`, or all that have one."""

    key: str
    scoring_type: ScoringType = "higher_is_better"
    threshold: float | None = None
    smallest_gap: Annotated[float, Meta(ge=0)] = 0.0
    """Two completions of one prompt make a pair if their values are further apart than this."""


class RewardServer(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="server"):
    """Rewards come from `POST {url}/batch_score`. While it is silent the run waits, `patience_seconds` at most."""

    url: str
    """A secret belongs into its path, such as `/rewards/{secret}`: nothing else is sent with a request."""
    timeout_seconds: Positive = 30.0
    """How long one request may take."""
    patience_seconds: Annotated[float, Meta(ge=0)] = 300.0
    batch_size: AtLeastOne = 16
    concurrency: AtLeastOne = 4
    egress: tuple[str, ...] = ("loopback",)
    """Which addresses besides public ones may be asked: what the operator allows, as TROPISM_EGRESS_ALLOW says it."""


class RewardModel(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="model"):
    """Rewards come from a model that the method REWARD_MODEL trained: the folder `model` of that run."""

    path: str


RewardSource = RewardServer | RewardModel


class Vllm(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Let vLLM write the completions that are rewarded: in the trainer's own process, or at the `url` of its server."""

    url: str | None = None
    gpu_memory: Annotated[float, Meta(gt=0, le=1)] = 0.3
    """The share of the GPU's memory that it may take in the trainer's process."""


class TrainingRun(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One training run. Paths are absolute, or relative to the run's folder."""

    method: Method
    base: str
    """A folder in Hugging Face's shape (safetensors), or a GGUF file, which is converted once and kept in `cache`."""
    data: Annotated[list[str], Meta(min_length=1)]
    """Files of JSON lines, each a `DatasetLine`."""
    cache: str = "cache"
    training_type: TrainingType = "PARAMETER_EFFICIENT"
    lora: Lora | None = None
    parent_adapter: str | None = None
    """Go on from this adapter of the base instead of a fresh one."""
    learning_rate: Positive = 1e-5
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    num_epochs: AtLeastOne = 1
    """How often each line is seen, for all methods but PPO and GRPO."""
    steps: AtLeastOne | None = None
    """How many batches of completions PPO and GRPO write, reward and learn from."""
    batch_size: AtLeastOne = 32
    """Lines, pairs or completions per step, over all devices together."""
    micro_batch_size: AtLeastOne = 8
    """At most so many of them are computed at once on one device."""
    num_validations: Annotated[int, Meta(ge=0)] = 10
    """How often the held-out lines are looked at, evenly spread, besides once before the first step."""
    validation_share: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    max_validation_lines: AtLeastOne = 64
    max_tokens: Annotated[int, Meta(ge=8)] = 1024
    """Longer lines are left out with a warning; prompt and completion count together."""
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    feedback: Feedback | None = None
    kl_div_coeff: float | None = None
    """None is 0.1 for DPO and 0.02 for PPO and GRPO."""
    reward: RewardSource | None = None
    group_size: AtLeastOne = 4
    """GRPO writes so many completions to each prompt and compares them with each other."""
    max_completion_tokens: AtLeastOne = 128
    temperature: Positive = 1.0
    """How freely PPO and GRPO write."""
    vllm: Vllm | None = None
    threads: AtLeastOne | None = None
    """CPU threads; None leaves it to torch and OMP_NUM_THREADS."""
    checkpoints: AtLeastOne = 10
    """How many checkpoints are written on the way; the last two are kept."""


class Export(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How a trained model is brought to llama.cpp, and how closely it must agree there with the trained one."""

    base: str
    """The GGUF file of the base that llama.cpp serves: adapters are tested on it, whole models take its tokenizer."""
    precision: Literal["Q8_0", "F16"] = "Q8_0"
    """Of whole models; adapters keep full precision."""
    prompts: AtLeastOne = 6
    tokens: AtLeastOne = 24
    largest_gap: Positive = 1.0
    """The most nats by which a token that llama.cpp chose may be less likely than the one the trained model would."""
    largest_mean_gap: Positive = 0.1
    """The same in the mean of all tokens. Rounding was seen to cost 0.2 nats at a token, and 0.006 in the mean."""


def load(folder: Path) -> TrainingRun:
    """Read the run's file and check it. Raises ConfigError."""
    run = _read(folder / FILE, TrainingRun)
    check(run)
    return run


def load_export(folder: Path) -> Export:
    """Read what to export. Raises ConfigError."""
    return _read(folder / EXPORT_FILE, Export)


def save(folder: Path, run: TrainingRun | Export) -> None:
    """Write the file that `load` or `load_export` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    name = FILE if isinstance(run, TrainingRun) else EXPORT_FILE
    (folder / name).write_bytes(msgspec.json.format(msgspec.json.encode(run)))


def check(run: TrainingRun) -> None:
    """Refuse what makes no sense, with the reason and the nearest that works. Raises ConfigError."""
    _check_adapter(run)
    if run.method in ("PPO", "GRPO"):
        _check_rewarded(run)
    else:
        _check_supervised(run)
    _check_kl(run)


def kl_div_coeff(run: TrainingRun) -> float:
    """The coefficient that holds for this run."""
    return KL_DIV_COEFF[run.method] if run.kl_div_coeff is None else run.kl_div_coeff


def _read(path: Path, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise ConfigError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path.name!r} does not say what to do: {error}") from error


def _check_adapter(run: TrainingRun) -> None:
    if run.training_type == "FULL_WEIGHTS" and run.lora:
        raise ConfigError("FULL_WEIGHTS trains no adapter: leave out `lora`, or say PARAMETER_EFFICIENT")
    if run.parent_adapter and run.lora:
        raise ConfigError("an adapter that is trained on keeps its shape: leave out `lora` or `parent_adapter`")
    if run.parent_adapter and run.method == "REWARD_MODEL":
        raise ConfigError("a reward model begins with the base model: leave out `parent_adapter`")


def _check_rewarded(run: TrainingRun) -> None:
    if not run.reward:
        raise ConfigError(
            f"{run.method} needs `reward`: a reward server, or a trained reward model; or choose SFT or DPO"
        )
    if not run.steps:
        raise ConfigError(f"{run.method} needs `steps`, how many batches of completions it learns from; begin with 20")
    if run.feedback:
        raise ConfigError(
            f"{run.method} learns from rewards, not from feedback: train a REWARD_MODEL on {run.feedback.key!r} first"
        )
    group = run.group_size if run.method == "GRPO" else 2
    if group < 2:
        raise ConfigError("GRPO compares completions of one prompt: set `group_size` to 2 or more, or choose PPO")
    if run.batch_size % group:
        nearest = max(1, round(run.batch_size / group)) * group
        raise ConfigError(f"`batch_size` {run.batch_size} is not divisible by {group}, the group; use {nearest}")


def _check_supervised(run: TrainingRun) -> None:
    if run.reward:
        raise ConfigError(f"{run.method} learns from data, not from rewards: leave out `reward`, or choose GRPO")
    if run.steps:
        raise ConfigError(f"{run.method} is as long as its data: set `num_epochs` instead of `steps`")
    if run.vllm:
        raise ConfigError(f"{run.method} writes no completions: leave out `vllm`")


def _check_kl(run: TrainingRun) -> None:
    if run.kl_div_coeff is None:
        return
    if run.method not in KL_DIV_COEFF:
        raise ConfigError(f"{run.method} has no KL term: leave out `kl_div_coeff`; a lower learning rate keeps closer")
    if not 0 < run.kl_div_coeff < float("inf"):
        nearest = KL_DIV_COEFF[run.method]
        raise ConfigError(
            f"`kl_div_coeff` is {run.kl_div_coeff}, and nothing keeps the model from empty tricks; use {nearest}"
        )

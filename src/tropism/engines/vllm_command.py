"""The command line of `vllm serve` for one model."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tropism.engines.protocol import EngineError, ModelSource

BLOCK = 64
"""Tokens in one block of vLLM's cache: a size that its kernels for GPUs and CPUs, MLA or not, have in common."""
MOST_ADAPTERS = 8
"""So many adapters can be in one batch; those beyond wait for the next."""
HIGHEST_RANK = 64
SERVED_AS = "base"
"""What the server calls the base model. Adapters have names that say which one it is."""


def command(source: ModelSource, socket: Path) -> list[str]:
    """What to run. The operator's own arguments come last, where they win."""
    program, *theirs = source.program or ("vllm",)
    return [_found(program), "serve", str(_folder(source)), *_options(source, socket), *theirs]


def _options(source: ModelSource, socket: Path) -> Sequence[str]:
    options = ["--served-model-name", SERVED_AS, "--uds", str(socket), "--load-format", "safetensors"]
    options += ["--tensor-parallel-size", str(source.devices), "--max-model-len", str(source.context)]
    if source.cache is not None:
        options += ["--block-size", str(BLOCK), "--num-gpu-blocks-override", str(-(-source.cache // BLOCK))]
    if source.kind == "Generation":
        options += ["--enable-lora", "--max-loras", str(MOST_ADAPTERS), "--max-lora-rank", str(HIGHEST_RANK)]
    return [*options, "--disable-uvicorn-access-log"]


def _found(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise EngineError(
            f"there is no program {program!r}; install vLLM in a Python environment of its own and name its program in "
            "TROPISM_VLLM, or give compute_config a `url` of a vLLM server that runs already"
        )
    return found


def _folder(source: ModelSource) -> Path:
    folder = source.weights
    if folder is None:
        raise EngineError("vLLM needs the model as a folder with safetensors, and there is none of this one")
    if not (folder / "config.json").is_file():
        raise EngineError(f"the folder {folder.name!r} with the model's weights is gone, or has no config.json")
    return folder

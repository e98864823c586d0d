"""Exports what a run trained for llama.cpp, and checks that it says there what it said here.

Run it as `python -m tropism.trainers.export FOLDER` after the training; it reads `export.json` and leaves
`exported.json`, and the GGUF file only if the check was passed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import torch
import transformers
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM

from tropism.trainers import config, data, protocol
from tropism.trainers.config import ConfigError, Export, TrainingRun
from tropism.trainers.gguf_export import Template, write_adapter, write_model
from tropism.trainers.interrupt import die_with_parent
from tropism.trainers.model import load_tokenizer
from tropism.trainers.parity import Parity, Served, compare


def main() -> None:
    """Write the file under another name, check it, and give it its own."""
    folder = Path(sys.argv[1]).resolve()
    if protocol.WITH_PARENT in sys.argv:
        die_with_parent()
    transformers.utils.logging.disable_progress_bar()
    try:
        exported = _export(folder)
    except ConfigError as error:
        exported = protocol.Exported(file=None, bytes=0, parity=None, error=str(error))
    protocol.write_whole(folder / protocol.EXPORTED, exported)
    sys.exit(0 if exported.file else 1)


def _export(folder: Path) -> protocol.Exported:
    run, wanted = config.load(folder), config.load_export(folder)
    trained = folder / protocol.MODEL
    if run.method == "REWARD_MODEL":
        raise ConfigError("a reward model writes no text, so there is nothing to serve; name it as a reward instead")
    if not trained.is_dir():
        raise ConfigError("there is no trained model: let the training end first")
    is_adapter = (trained / "adapter_config.json").exists()
    partial = folder / "export.partial.gguf"
    partial.unlink(missing_ok=True)
    template = Template(folder / wanted.base)
    if is_adapter:
        write_adapter(template, trained, partial)
    else:
        write_model(template, trained, partial, wanted.precision)
    parity = _compare(folder, run, wanted, trained, partial)
    _refuse_difference(parity, wanted)
    whole = folder / (protocol.ADAPTER_GGUF if is_adapter else protocol.MODEL_GGUF)
    partial.replace(whole)
    size = whole.stat().st_size
    return protocol.Exported(file=whole.name, bytes=size, parity=msgspec.to_builtins(parity), error=None)


def _compare(folder: Path, run: TrainingRun, wanted: Export, trained: Path, exported: Path) -> Parity:
    threads = run.threads or torch.get_num_threads()
    model = _load(trained)
    if (trained / "adapter_config.json").exists():
        served = Served(folder / wanted.base, exported, threads)
    else:
        served = Served(exported, None, threads)
    lines = data.read(folder / path for path in run.data)
    asked = [row["prompt"] for row in data.prompts(lines)]
    prompts = asked[:: max(1, len(asked) // wanted.prompts)][: wanted.prompts]
    return compare(model, load_tokenizer(trained), served, prompts, wanted.tokens)


def _load(trained: Path) -> Any:
    kind = AutoPeftModelForCausalLM if (trained / "adapter_config.json").exists() else AutoModelForCausalLM
    return kind.from_pretrained(trained, dtype=torch.float32).eval()


def _refuse_difference(parity: Parity, wanted: Export) -> None:
    if parity.worst_gap > wanted.largest_gap or parity.mean_gap > wanted.largest_mean_gap:
        raise ConfigError(
            f"the exported model is not the trained one: of {parity.tokens} tokens that it chose, {parity.best} are "
            f"the best; they miss it by up to {parity.worst_gap} nats, {parity.mean_gap} in the mean, where "
            f"{wanted.largest_gap} and {wanted.largest_mean_gap} are allowed; "
            "export with F16, or look whether `base` is the model that training began with"
        )


if __name__ == "__main__":
    main()

"""Does the exported model say what the trained one would? Checked token by token, on prompts of the training data.

llama.cpp answers prompts greedily through its own chat template and tokenizer, as it will when it serves. Each token it
chose must be one that the trained model finds best, or nearly so: two right computations differ in the last digits, and
may part at a tie. A wrong export chooses tokens that the trained model finds far worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct


class Parity(Struct, kw_only=True, frozen=True):
    """How well an export agrees. A gap is how much less likely a chosen token is than the best one, in nats."""

    prompts: int
    tokens: int
    best: int
    """How many of the tokens are those that the trained model finds best."""
    worst_gap: float
    mean_gap: float


class Served:
    """A model in llama.cpp, as the engine would load it."""

    def __init__(self, model: Path, adapter: Path | None, threads: int) -> None:
        xllamacpp = import_module("xllamacpp")
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx, params.n_parallel, params.cache_ram_mib = 2048, 1, 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        if adapter:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
        params.ui = params.endpoint_slots = False
        params.verbosity = 1
        self._server = xllamacpp.Server(params)

    def answer(self, messages: Any, length: int, end: int) -> list[int]:
        """The tokens that it chooses, with the one that ends the answer if it came to that."""
        wanted = {"messages": messages, "max_tokens": length, "temperature": 0, "top_k": 1, "cache_prompt": False}
        answer = self._server.handle_chat_completions(wanted | {"return_tokens": True, "verbose": True})
        if "__verbose" not in answer:
            raise RuntimeError(f"llama.cpp did not answer: {answer}")
        said = answer["__verbose"]
        tokens = [token for token in said["tokens"] if token != end]
        return [*tokens, end] if said["stop_type"] == "eos" else tokens


def compare(model: Any, tokenizer: Any, served: Served, prompts: Sequence[Any], length: int) -> Parity:
    """Let llama.cpp answer, and the trained model judge each token."""
    gaps: list[float] = []
    for messages in prompts:
        answer = served.answer(messages, length, tokenizer.eos_token_id)
        gaps += _gaps(model, tokenizer, messages, answer)
    return Parity(
        prompts=len(prompts),
        tokens=len(gaps),
        best=sum(gap == 0 for gap in gaps),
        worst_gap=round(max(gaps, default=0.0), 4),
        mean_gap=round(sum(gaps) / max(1, len(gaps)), 4),
    )


def _gaps(model: Any, tokenizer: Any, messages: Any, answer: list[int]) -> list[float]:
    """For each token of the answer, how much likelier the best token would have been."""
    asked = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*asked, *answer]])).logits[0]
    # The logits at a token are about the next one.
    before = logits[len(asked) - 1 : -1].float()
    chosen = before.gather(1, torch.tensor(answer)[:, None])[:, 0]
    return [float(gap) for gap in before.max(1).values - chosen]

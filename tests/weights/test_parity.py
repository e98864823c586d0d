"""A converted folder says in llama.cpp what transformers says with it: the shape, the weights and the tokenizer fit.

In half precision: eight bits change what a model of random weights says, and would hide a wrong shape.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="transformers computes with it")

import torch
from tests.trainers import tiny
from transformers import AutoConfig, AutoModelForCausalLM, set_seed

from tropism.trainers.parity import Served, compare
from tropism.weights.convert import convert

ROPE = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
pytestmark = pytest.mark.train

SHAPES: dict[str, dict[str, Any]] = {
    "llama": {},
    "llama-with-biases": {"attention_bias": True, "mlp_bias": True},
    "llama-3.1": {"rope_parameters": {**ROPE, "original_max_position_embeddings": 64}},
    "llama-linear": {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}},
    "llama-untied": {"tie_word_embeddings": False},
    "mistral": {"sliding_window": None},
    "qwen2": {},
    "qwen3": {},
}
PROMPTS = [
    [{"role": "user", "content": "What is the colour of the sky? It is blue today, and yes or no, please say it."}],
    [{"role": "user", "content": "Say yes or no, please."}],
]


@pytest.mark.parametrize("name", SHAPES)
def test_the_engine_says_what_the_original_says(tmp_path: Path, name: str) -> None:
    tokenizer = tiny.make_tokenizer()
    set_seed(0)
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 256,
        "tie_word_embeddings": True,
        "bos_token_id": 0,
        "eos_token_id": tokenizer.eos_token_id,
        "initializer_range": 0.3,
    }
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name.split("-")[0], **(shape | SHAPES[name])))
    with torch.no_grad():
        for parameter in model.parameters():  # biases begin as zeros, which would hide where they go
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    convert(tmp_path, tmp_path / "model.gguf", lambda done, total: None, precision="F16")
    parity = compare(model.eval(), tokenizer, Served(tmp_path / "model.gguf", None, 1), PROMPTS, 24)
    assert parity.tokens >= 24
    assert parity.mean_gap < 0.01, parity
    assert parity.worst_gap < 0.1, parity

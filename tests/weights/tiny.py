"""A Llama of random weights in a folder as transformers has it, made without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tropism.weights.convert import convert

TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n{{ turn['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = ["What is the colour of the sky?", "It is blue today, isn't it?", "user assistant system", "1,234.50 naïve 🦙"]
HEADS, KEY_HEADS, HEAD = 4, 2, 16


def make_folder(
    folder: Path,
    *,
    width: int = 64,
    layers: int = 2,
    parts: int = 1,
    dtype: str = "BF16",
    config: Any = None,
    tokenizer: Tokenizer | None = None,
) -> Path:
    """Write the whole folder; `config` replaces fields of its config.json, None takes one away."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = _write_tokenizer(folder, tokenizer or make_tokenizer())
    shape: dict[str, Any] = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": tokens + 5,  # padded, as real ones often are
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_HEADS,
        "head_dim": HEAD,
        "hidden_act": "silu",
        "max_position_embeddings": 256,
        "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "tie_word_embeddings": True,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }
    told = {name: value for name, value in {**shape, **(config or {})}.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(told))
    write_weights(folder, weights(shape), parts, dtype)
    return folder


def make_gguf(folder: Path) -> Path:
    """The same model as llama.cpp has it."""
    target = folder / "tiny.gguf"
    convert(make_folder(folder), target, lambda done, total: None)
    return target


def weights(shape: Mapping[str, Any], seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Random weights by the names that transformers gives them."""
    dice, width, inner = np.random.default_rng(seed), shape["hidden_size"], shape["intermediate_size"]
    made = {"model.embed_tokens.weight": (shape["vocab_size"], width), "model.norm.weight": (width,)}
    for layer in range(shape["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        made |= {
            f"{name}.self_attn.q_proj.weight": (HEADS * HEAD, width),
            f"{name}.self_attn.k_proj.weight": (KEY_HEADS * HEAD, width),
            f"{name}.self_attn.v_proj.weight": (KEY_HEADS * HEAD, width),
            f"{name}.self_attn.o_proj.weight": (width, HEADS * HEAD),
            f"{name}.mlp.gate_proj.weight": (inner, width),
            f"{name}.mlp.up_proj.weight": (inner, width),
            f"{name}.mlp.down_proj.weight": (width, inner),
            f"{name}.input_layernorm.weight": (width,),
            f"{name}.post_attention_layernorm.weight": (width,),
        }
    return {name: (dice.standard_normal(size) * 0.1).astype(np.float32) for name, size in made.items()}


def write_weights(folder: Path, made: Mapping[str, np.ndarray[Any, Any]], parts: int, dtype: str) -> None:
    """As safetensors, in one file or several with an index."""
    names = sorted(made)
    if parts == 1:
        _write_file(folder / "model.safetensors", made, dtype)
        return
    files = {name: f"model-{number % parts + 1:05}-of-{parts:05}.safetensors" for number, name in enumerate(names)}
    for file in set(files.values()):
        _write_file(folder / file, {name: made[name] for name in names if files[name] == file}, dtype)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))


def _write_file(file: Path, made: Mapping[str, np.ndarray[Any, Any]], dtype: str) -> None:
    """The format is a header and the numbers. numpy has no bfloat16, so that no library writes it without torch."""
    header: dict[str, Any] = {}
    blobs: list[bytes] = []
    at = 0
    for name, numbers in made.items():
        data = (numbers.view(np.uint32) >> 16).astype(np.uint16) if dtype == "BF16" else numbers
        blobs.append(data.tobytes())
        header[name] = {"dtype": dtype, "shape": list(numbers.shape), "data_offsets": [at, at + len(blobs[-1])]}
        at += len(blobs[-1])
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    file.write_bytes(len(head).to_bytes(8, "little") + head + b"".join(blobs))


def make_tokenizer(before: Any = None, words: Sequence[str] = WORDS, size: int = 400) -> Tokenizer:
    """Bytes and a few merges of them, as GPT-2 has it, or with another way to split text first."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = before or pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learn = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator([*words] * 4, learn)
    return inner


def _write_tokenizer(folder: Path, inner: Tokenizer) -> int:
    inner.save(str(folder / "tokenizer.json"))
    said = {"eos_token": "<|im_end|>", "bos_token": "<|endoftext|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    return int(inner.get_vocab_size())

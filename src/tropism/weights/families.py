"""Which models of transformers can be served here, told from their config.json alone, before anything large is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

CONFIG = "config.json"
ADAPTER = "adapter_config.json"
ARCHITECTURES: Mapping[str, str] = MappingProxyType(
    {
        "LlamaForCausalLM": "llama",
        "MistralForCausalLM": "llama",
        "Qwen2ForCausalLM": "qwen2",
        "Qwen3ForCausalLM": "qwen3",
    }
)
"""The classes of transformers whose weights the exporter knows, and what llama.cpp calls them."""
ROPE_TYPES = ("default", "linear", "llama3", "yarn")
ACTIVATIONS = ("silu", "swish")


class Unusable(Exception):
    """This model cannot be brought here; the message says why, and what to do."""


class Rope(Struct, kw_only=True, frozen=True):
    """How positions are told apart."""

    type: str
    theta: float
    factor: float
    original_context: int
    low_frequency: float
    high_frequency: float


class Shape(Struct, kw_only=True, frozen=True):
    """What llama.cpp has to know of a model besides its weights and its tokenizer."""

    architecture: str
    vocabulary: int
    context: int
    layers: int
    width: int
    inner_width: int
    heads: int
    key_heads: int
    head_width: int
    epsilon: float
    rope: Rope


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object that somebody else wrote."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        raise Unusable(f"there is no {file.name}: this is no folder of a model for transformers") from None
    except (OSError, msgspec.DecodeError) as error:
        raise Unusable(f"{file.name} cannot be read: {error}") from None


def shape_of(folder: Path) -> Shape:
    """What the folder's config says. Raises `Unusable` for a family that cannot be converted."""
    if not (folder / CONFIG).exists() and (folder / ADAPTER).exists():
        base = read_json(folder / ADAPTER).get("base_model_name_or_path")
        raise Unusable(f"this is an adapter for {base!r} and no whole model; merge the two, and add what comes of it")
    config = read_json(folder / CONFIG)
    _refuse(config)
    try:
        return _shape(config)
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(f"{CONFIG} lacks what a model needs: {error}") from None


def _refuse(config: Mapping[str, Any]) -> None:
    classes = config.get("architectures") or [f"model_type {config.get('model_type')!r}"]
    if not any(each in ARCHITECTURES for each in classes):
        known = ", ".join(ARCHITECTURES)
        raise Unusable(
            f"{', '.join(map(str, classes))} cannot be converted for llama.cpp here (only {known}); add a GGUF file of "
            "the model, or serve it with vLLM and add_external"
        )
    if config.get("quantization_config"):
        method = config["quantization_config"].get("quant_method", "some method")
        raise Unusable(
            f"the weights are quantized with {method}; take the model with its original weights, or a GGUF file"
        )
    if (activation := config.get("hidden_act", "silu")) not in ACTIVATIONS:
        raise Unusable(f"llama.cpp computes this family with {ACTIVATIONS[0]!r}, and the model wants {activation!r}")


def _shape(config: Mapping[str, Any]) -> Shape:
    name = next(each for each in config["architectures"] if each in ARCHITECTURES)
    width, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    context = int(config["max_position_embeddings"])
    return Shape(
        architecture=ARCHITECTURES[name],
        vocabulary=int(config["vocab_size"]),
        context=context,
        layers=int(config["num_hidden_layers"]),
        width=width,
        inner_width=int(config["intermediate_size"]),
        heads=heads,
        key_heads=int(config.get("num_key_value_heads") or heads),
        head_width=int(config.get("head_dim") or width // heads),
        epsilon=float(config["rms_norm_eps"]),
        rope=_rope(config, context),
    )


def _rope(config: Mapping[str, Any], context: int) -> Rope:
    """Older files have `rope_theta` and `rope_scaling`, newer ones all of it in `rope_parameters`."""
    given = {**(config.get("rope_scaling") or {}), **(config.get("rope_parameters") or {})}
    kind = str(given.get("rope_type") or given.get("type") or "default")
    if kind not in ROPE_TYPES:
        raise Unusable(
            f"positions are scaled by {kind!r}, which cannot be converted here (only {', '.join(ROPE_TYPES)})"
        )
    return Rope(
        type=kind,
        theta=float(given.get("rope_theta") or config.get("rope_theta") or 10_000.0),
        factor=float(given.get("factor") or 1.0),
        original_context=int(given.get("original_max_position_embeddings") or context),
        low_frequency=float(given.get("low_freq_factor") or 1.0),
        high_frequency=float(given.get("high_freq_factor") or 4.0),
    )


def llama3_factors(shape: Shape) -> list[float]:
    """By how much Llama 3.1 and later slow down each frequency: the low ones fully, the high ones not at all."""
    rope = shape.rope
    return [_slowed(rope, rope.theta ** (-place / shape.head_width)) for place in range(0, shape.head_width, 2)]


def _slowed(rope: Rope, frequency: float) -> float:
    turns = rope.original_context * frequency / (2 * math.pi)
    if turns > rope.high_frequency:
        return 1.0
    if turns < rope.low_frequency:
        return rope.factor
    smooth = (turns - rope.low_frequency) / (rope.high_frequency - rope.low_frequency)
    return 1 / ((1 - smooth) / rope.factor + smooth)

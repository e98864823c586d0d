"""Makes a GGUF file out of a sentence-transformers BERT model (all-MiniLM-L6-v2), without torch."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, PoolingType, TokenType
from gguf.quants import quantize

_STEMS = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
_STEMS_OF_A_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_SPECIAL = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "mask": "[MASK]", "bos": "[CLS]", "eos": "[SEP]"}


def convert(source: Path, target: Path) -> None:
    """Write the weights in `source`, and the configuration and vocabulary beside it, into one file."""
    writer = GGUFWriter(target, "bert")
    try:
        _add_shape(writer, json.loads((source.parent / "config.json").read_text("utf-8")))
        _add_vocabulary(writer, (source.parent / "vocab.txt").read_text("utf-8").removesuffix("\n").split("\n"))
        for name, weights in _tensors(source):
            kind = _type_of(name, weights)
            writer.add_tensor(name, quantize(weights, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _add_shape(writer: GGUFWriter, config: Mapping[str, Any]) -> None:
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_license("apache-2.0")
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.MEAN)


def _add_vocabulary(writer: GGUFWriter, words: list[str]) -> None:
    tokens = [_token(word) for word in words]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([token for token, _ in tokens])
    writer.add_token_types([kind for _, kind in tokens])
    for role, word in _SPECIAL.items():
        writer.add_uint32(_special_key(role), words.index(word))


def _special_key(role: str) -> str:
    # The format has kept these names, spelling included.
    long = {"unk": "unknown", "sep": "seperator", "pad": "padding"}.get(role, role)
    return f"tokenizer.ggml.{long}_token_id"


def _token(word: str) -> tuple[str, TokenType]:
    """BERT marks the parts that continue a word, llama.cpp those that begin one."""
    if word.startswith("[") and word.endswith("]"):
        return word, TokenType.UNUSED if word.startswith("[unused") else TokenType.CONTROL
    if word.startswith("##"):
        return word[2:], TokenType.NORMAL
    return "\u2581" + word, TokenType.NORMAL


def _tensors(source: Path) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.float32]]]]:
    for name, weights in _safetensors(source):
        stem, _, suffix = name.removeprefix("bert.").rpartition(".")
        if (ours := _name(stem)) is not None:
            yield f"{ours}.{suffix}", weights


def _name(stem: str) -> str | None:
    if stem.startswith("encoder.layer."):
        number, _, rest = stem.removeprefix("encoder.layer.").partition(".")
        return f"blk.{number}.{_STEMS_OF_A_LAYER[rest]}"
    # The pooler is left out on purpose: sentence vectors are means, not its output.
    return _STEMS.get(stem)


def _safetensors(source: Path) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.float32]]]]:
    """Read the format ourselves: a length, a JSON header with types and offsets, then plain numbers."""
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = 8 + int.from_bytes(content[:8], "little")
        for name, at in json.loads(content[8:start]).items():
            if name != "__metadata__" and at["dtype"] == "F32":
                begin, end = at["data_offsets"]
                numbers = np.frombuffer(content[start + begin : start + end], "<f4")
                yield name, numbers.reshape(at["shape"])


def _type_of(name: str, weights: np.ndarray[Any, Any]) -> GGMLQuantizationType:
    # Positions and token types are added, not multiplied: there is no kernel to win anything with.
    if weights.ndim == 1 or name.startswith(("position_embd", "token_types")):
        return GGMLQuantizationType.F32
    return GGMLQuantizationType.Q8_0

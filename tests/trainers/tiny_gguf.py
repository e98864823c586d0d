"""The tiny model as a GGUF file, made by our own exporter from its safetensors and a file that holds its settings."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
from tests.trainers import tiny

from tropism.trainers.gguf_export import Template, write_model

_HEAD = 16


def make_gguf(base: Path, folder: Path) -> Path:
    """Write `base.gguf` into the folder."""
    settings, target = folder / "settings.gguf", folder / "base.gguf"
    _write_settings(base, settings)
    write_model(Template(settings), base, target, "F16")
    return target


def _write_settings(base: Path, target: Path) -> None:
    shape = json.loads((base / "config.json").read_text())
    writer = gguf.GGUFWriter(target, shape["model_type"])
    writer.add_name("tiny")
    writer.add_context_length(shape["max_position_embeddings"])
    writer.add_embedding_length(shape["hidden_size"])
    writer.add_block_count(shape["num_hidden_layers"])
    writer.add_feed_forward_length(shape["intermediate_size"])
    writer.add_head_count(shape["num_attention_heads"])
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_key_length(_HEAD)
    writer.add_value_length(_HEAD)
    writer.add_rope_dimension_count(_HEAD)
    writer.add_rope_freq_base(shape["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(shape["rms_norm_eps"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    _write_tokenizer(base, writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_tokenizer(base: Path, writer: gguf.GGUFWriter) -> None:
    inner = json.loads((base / "tokenizer.json").read_text())
    known = inner["model"]["vocab"]
    tokens = sorted(known, key=lambda token: known[token])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    normal, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
    writer.add_token_types([control if token in tiny.SPECIAL else normal for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in inner["model"]["merges"]])
    writer.add_bos_token_id(known["<|endoftext|>"])
    writer.add_eos_token_id(known["<|im_end|>"])
    writer.add_pad_token_id(known["<|im_end|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(tiny.TEMPLATE)

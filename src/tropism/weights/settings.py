"""Writes what a folder says of its model as a GGUF file without weights: the template that the exporter fills."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from gguf import GGUFWriter, RopeScalingType, SpecialVocab

from tropism.weights.families import Rope, Shape, llama3_factors
from tropism.weights.tokenizer import Vocabulary

_SCALINGS = {"linear": RopeScalingType.LINEAR, "yarn": RopeScalingType.YARN}


def write_settings(folder: Path, shape: Shape, vocabulary: Vocabulary, target: Path, licence: str | None) -> None:
    """Everything but the weights."""
    writer = GGUFWriter(target, shape.architecture)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    if licence:
        writer.add_license(licence)
    _add_shape(writer, shape)
    _add_rope(writer, shape.rope)
    _add_vocabulary(writer, vocabulary)
    special = SpecialVocab(folder, load_merges=vocabulary.model == "gpt2", n_vocab=shape.vocabulary)
    special.add_to_gguf(writer, quiet=True)
    if shape.rope.type == "llama3":
        writer.add_tensor("rope_freqs.weight", np.array(llama3_factors(shape), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_shape(writer: GGUFWriter, shape: Shape) -> None:
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner_width)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_layer_norm_rms_eps(shape.epsilon)


def _add_rope(writer: GGUFWriter, rope: Rope) -> None:
    writer.add_rope_freq_base(rope.theta)
    if rope.type in _SCALINGS:
        writer.add_rope_scaling_type(_SCALINGS[rope.type])
        writer.add_rope_scaling_factor(rope.factor)
        writer.add_rope_scaling_orig_ctx_len(rope.original_context)


def _add_vocabulary(writer: GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    if vocabulary.scores is not None:
        writer.add_token_scores(vocabulary.scores)
    if vocabulary.adds_space is not None:
        writer.add_add_space_prefix(vocabulary.adds_space)

"""What a config.json says of a model, in old and new words, and what is refused by it alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tropism.weights.families import Unusable, llama3_factors, shape_of

from . import tiny


def test_the_shape_is_read(tmp_path: Path) -> None:
    shape = shape_of(tiny.make_folder(tmp_path))
    assert (shape.architecture, shape.heads, shape.key_heads, shape.head_width, shape.layers) == ("llama", 4, 2, 16, 2)
    assert (shape.context, shape.rope.theta, shape.rope.type) == (256, 10000.0, "default")


def test_older_files_say_it_in_other_words(tmp_path: Path) -> None:
    scaling = {"type": "linear", "factor": 2.0}
    old = {"rope_parameters": None, "rope_theta": 5e5, "rope_scaling": scaling, "num_key_value_heads": None}
    shape = shape_of(tiny.make_folder(tmp_path, config={**old, "head_dim": None}))
    assert (shape.key_heads, shape.head_width) == (4, 16)
    assert (shape.rope.type, shape.rope.theta, shape.rope.factor) == ("linear", 5e5, 2.0)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"architectures": ["GemmaForCausalLM"]}, "GemmaForCausalLM cannot be converted for llama.cpp here"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "cannot be converted"),
        ({"architectures": None, "model_type": "mamba"}, "model_type 'mamba' cannot be converted"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantized with gptq"),
        ({"hidden_act": "gelu"}, "wants 'gelu'"),
        ({"rope_parameters": {"rope_type": "longrope"}}, "scaled by 'longrope'"),
        ({"hidden_size": None}, "lacks what a model needs: 'hidden_size'"),
        ({"num_hidden_layers": "many"}, "lacks what a model needs"),
    ],
)
def test_what_cannot_be_converted_is_refused(tmp_path: Path, config: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        shape_of(tiny.make_folder(tmp_path, config=config))
    assert reason in str(caught.value)


def test_what_is_no_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"no config\.json"):
        shape_of(tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "acme/base"}')
    with pytest.raises(Unusable, match="an adapter for 'acme/base'"):
        shape_of(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(Unusable, match=r"config\.json cannot be read"):
        shape_of(tmp_path)


def test_low_frequencies_are_slowed_down_and_high_ones_are_not(tmp_path: Path) -> None:
    rope = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0}
    rope |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    (tmp_path / "config.json").write_text("{}")
    shape = shape_of(tiny.make_folder(tmp_path, config={"rope_parameters": rope, "head_dim": 128}))
    factors = llama3_factors(shape)
    assert len(factors) == 64
    assert factors[:28] == [1.0] * 28
    assert factors[36:] == [8.0] * 28
    assert factors == sorted(factors)
    assert json.loads((tmp_path / "config.json").read_text())["head_dim"] == 128

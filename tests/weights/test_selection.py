"""Which files are taken of a repository, and what is said of those that hold none that can be."""

from __future__ import annotations

import pytest

from tropism.weights.families import Unusable
from tropism.weights.selection import INDEX, select

SMALL = ["config.json", "tokenizer.json"]
PARTS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


def test_safetensors_are_taken_and_nothing_that_could_run_code() -> None:
    there = [*SMALL, "model.safetensors", "pytorch_model.bin", "modeling_evil.py", "training_args.bin", "README.md"]
    chosen = select(there)
    assert (chosen.kind, chosen.weights, chosen.small) == ("safetensors", ["model.safetensors"], SMALL)


def test_of_weights_that_are_there_twice_those_of_the_index_are_taken() -> None:
    assert select([*SMALL, *PARTS, INDEX, "model.safetensors"]).weights == PARTS
    assert select([*SMALL, *PARTS, "model.safetensors", "consolidated.safetensors"]).weights == ["model.safetensors"]


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (["config.json", "pytorch_model.bin"], "can run code when they are read (pytorch_model.bin)"),
        (["model.pkl"], "can run code"),
        (["adapter_config.json", "adapter_model.safetensors"], "an adapter and no whole model"),
        (["README.md"], "neither a model.safetensors nor a GGUF file"),
        (["tokenizer.json", "model.safetensors"], "no config.json"),
        (["config.json", "model.safetensors"], "no tokenizer.json"),
        ([*SMALL, *PARTS], "do not fit together"),
        (["a.gguf", "b.gguf"], "several GGUF files; say which one with `file`: a.gguf, b.gguf"),
        (["a-00001-of-00002.gguf"], "parts of 'a-00001-of-00002.gguf' are missing: a-00002-of-00002.gguf"),
        (["../../a.gguf"], "neither"),
        (["/etc/a.gguf"], "neither"),
    ],
)
def test_what_cannot_be_taken_is_said(there: list[str], reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        select(there)
    assert reason in str(caught.value)


def test_one_gguf_file_of_several_is_named() -> None:
    there = ["model.safetensors", *SMALL, "x-q4.gguf", "x-q8-00001-of-00002.gguf", "x-q8-00002-of-00002.gguf"]
    assert select(there, "x-q4.gguf").weights == ["x-q4.gguf"]
    assert select(there, "x-q8-00001-of-00002.gguf").weights == there[-2:]
    for file in ("x-q8-00002-of-00002.gguf", "y.gguf", "model.safetensors"):
        with pytest.raises(Unusable, match=r"there is no GGUF file .*; there are x-q4.gguf, x-q8-00001"):
            select(there, file)
    assert select(["only.gguf"]).kind == "gguf"

"""Models of the server's own disk: folders with safetensors are converted, GGUF files stay where they are."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Both

import tropism
from tropism.engines import bundled
from tropism.testing import RunningServer

from . import tiny
from .conftest import SECONDS

QUESTION: Any = [{"role": "user", "content": "Hello"}]


def added(call: Both, *arguments: Any) -> Any:
    return call("jobs.wait", call("models.add_local", *arguments), timeout=SECONDS)


def test_a_folder_is_converted_and_answers(
    call: Both, server: RunningServer, use_case: str, key: str, folder: Path
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    done = added(call, folder, key, "From this disk")
    made = call("models.get", key)
    assert (done.result, made.id, made.name, made.size) == ({"model": key}, done.id, "From this disk", 94_848)
    assert (made.origin.hf_model_id, made.origin.architecture, made.trainable) == (None, "llama", True)
    assert [path.name for path in (server.data / "models" / str(done.id)).iterdir()] == ["model.gguf"]
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    call("models.attach", key, wait=True, use_case=use_case)
    # Its weights are dice: any of its four words may be the one that ends an answer.
    assert 1 <= call("chat.create", QUESTION, model=key, max_tokens=4, use_case=use_case).usage.completion_tokens <= 4


def test_a_gguf_file_stays_where_it_is(
    call: Both, server: RunningServer, use_case: str, key: str, tmp_path: Path
) -> None:
    done = added(call, tiny.make_gguf(tmp_path), key)
    assert not (server.data / "models" / str(done.id)).exists()
    call("models.attach", key, wait=True, use_case=use_case)
    assert call("models.get", key).size == 94_848


def test_an_embedding_model_is_known_by_its_file(call: Both, use_case: str, key: str, tmp_path: Path) -> None:
    file = bundled.prepare("all-minilm-l6-v2", tmp_path)
    added(call, file, key)
    made = call("models.get", key)
    assert (made.kind, made.trainable, made.origin.architecture) == ("Embedding", False, "bert")
    call("models.attach", key, wait=True, use_case=use_case)
    assert len(call("embeddings.create", "Hello", model=key, use_case=use_case).data[0].embedding) == 384


def test_what_is_seen_to_be_no_model_is_refused_at_once(call: Both, key: str, tmp_path: Path) -> None:
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    other = tiny.make_folder(tmp_path / "other", config={"architectures": ["GemmaForCausalLM"]})
    for path, reason in ((tmp_path / "pickled", "can run code"), (other, "GemmaForCausalLM cannot be converted")):
        with pytest.raises(tropism.UnprocessableEntityError, match=reason) as caught:
            call("models.add_local", path, key)
        assert caught.value.param == "path"


def failed(call: Both, path: Path, key: str) -> str:
    with pytest.raises(tropism.TropismError) as caught:
        added(call, path, key)
    with pytest.raises(tropism.NotFoundError):
        call("models.get", key)
    return str(caught.value)


def test_a_file_that_the_engine_cannot_run_is_never_registered(call: Both, key: str, tmp_path: Path) -> None:
    whole = tiny.make_gguf(tmp_path / "whole").read_bytes()
    cut, head = tmp_path / "cut.gguf", tmp_path / "head.gguf"
    cut.write_bytes(whole[: len(whole) // 2])
    head.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 100, 20) + bytes(64))
    assert "the GGUF file cannot be read; is it whole?" in failed(call, cut, key)
    assert "cannot be read" in failed(call, head, key)


def test_weights_that_are_missing_are_seen_before_anybody_relies_on_them(call: Both, key: str, tmp_path: Path) -> None:
    made = tiny.make_folder(tmp_path)
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "vocab_size": 374}
    weights = tiny.weights({**shape, "vocab_size": tiny.make_tokenizer().get_vocab_size() + 5})
    del weights["model.layers.1.mlp.up_proj.weight"]
    tiny.write_weights(made, weights, 1, "BF16")
    assert "llama.cpp cannot run this model: the model cannot be loaded" in failed(call, made, key)

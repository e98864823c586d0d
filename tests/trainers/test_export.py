"""What was trained says the same in llama.cpp, and what does not is not published. Needs the extra `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

from tests.trainers import tiny, tiny_gguf

from tropism.trainers import protocol
from tropism.trainers.config import Export
from tropism.trainers.gguf_export import Template, write_adapter

pytestmark = pytest.mark.train


@pytest.fixture(scope="session")
def served(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base as llama.cpp has it."""
    return tiny_gguf.make_gguf(base, tmp_path_factory.mktemp("gguf"))


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Questions whose answers random weights would never give."""
    lines = [tiny.line(f"What is {number}?", completion="It is blue today.") for number in range(40)]
    return tiny.write(tmp_path_factory.mktemp("data") / "colours.jsonl", lines)


@pytest.mark.parametrize(
    ("kind", "precision", "file"),
    [
        ("PARAMETER_EFFICIENT", "Q8_0", protocol.ADAPTER_GGUF),
        ("FULL_WEIGHTS", "Q8_0", protocol.MODEL_GGUF),
        ("FULL_WEIGHTS", "F16", protocol.MODEL_GGUF),
    ],
)
def test_the_export_says_what_the_trained_model_says(
    kind: Any, precision: Any, file: str, tmp_path: Path, base: Path, served: Path, colours: str
) -> None:
    tiny.train(tmp_path, tiny.run_of("SFT", base, colours, num_epochs=2, training_type=kind))
    exported = tiny.export(tmp_path, Export(base=str(served), precision=precision))
    assert exported.error is None
    assert exported.file == file
    assert exported.bytes == (tmp_path / file).stat().st_size
    assert exported.parity is not None
    assert exported.parity["best"] > 0.9 * exported.parity["tokens"] > 0


@pytest.mark.parametrize("architecture", ["qwen2", "qwen3"])
@pytest.mark.parametrize("kind", ["PARAMETER_EFFICIENT", "FULL_WEIGHTS"])
def test_other_architectures_are_exported(architecture: str, kind: Any, tmp_path: Path, colours: str) -> None:
    base = tiny.make_model(tmp_path / "base", architecture)
    tiny.train(tmp_path, tiny.run_of("SFT", base, colours, training_type=kind))
    exported = tiny.export(tmp_path, Export(base=str(tiny_gguf.make_gguf(base, tmp_path))))
    assert exported.error is None
    assert exported.parity is not None
    assert exported.parity["best"] > 0.9 * exported.parity["tokens"] > 0


def test_an_export_that_lost_the_training_is_not_published(
    tmp_path: Path, base: Path, served: Path, colours: str
) -> None:
    tiny.train(tmp_path, tiny.run_of("SFT", base, colours, num_epochs=4))
    other = tiny_gguf.make_gguf(tiny.make_model(tmp_path / "other", seed=1), tmp_path)
    exported = tiny.export(tmp_path, Export(base=str(other)))
    assert exported.file is None
    assert exported.error is not None
    assert "not the trained one" in exported.error
    assert not (tmp_path / protocol.ADAPTER_GGUF).exists()


def test_training_begins_with_a_gguf_file_that_is_converted_once(tmp_path: Path, served: Path, colours: str) -> None:
    for name in ("one", "two"):
        run = tiny.run_of("SFT", served, colours, cache=str(tmp_path / "cache"))
        result = tiny.train(tmp_path / name, run)
        assert result.status == "COMPLETED", result.error
    assert len([path for path in (tmp_path / "cache").iterdir() if path.is_dir()]) == 1
    assert tiny.export(tmp_path / "one", Export(base=str(served))).error is None


def test_an_adapter_that_llama_cpp_does_not_know_is_refused(tmp_path: Path, served: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"lora_alpha": 8, "use_dora": true}')
    with pytest.raises(ValueError, match="use_dora"):
        write_adapter(Template(served), tmp_path, tmp_path / "adapter.gguf")

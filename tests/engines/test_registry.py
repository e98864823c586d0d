"""Engines are found by name, and nothing is imported for those that nobody names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tropism.engines.echo import EchoEngine
from tropism.engines.protocol import EngineError, ModelSource
from tropism.engines.registry import UnknownEngine, make_engine, names

SOURCE = ModelSource(key="m", kind="Generation", endpoint="http://127.0.0.1:9", external_model_id="m", api_key="k")


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that offers two engines, one of which cannot be imported."""
    (tmp_path / "their_engine.py").write_text("from tropism.engines.echo import EchoEngine as Theirs\n")
    metadata = tmp_path / "theirs-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    entries = ["theirs = their_engine:Theirs", "broken = their_engine:Missing", "echo = their_engine:Missing"]
    (metadata / "entry_points.txt").write_text("\n".join(["[tropism.engines]", *entries]))
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", ["anthropic", "azure", "custom", "echo", "google", "llama_cpp", "nvidia", "open_ai"])
def test_every_known_name_makes_an_engine(name: str) -> None:
    assert hasattr(make_engine(name, SOURCE), "generate")


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        UnknownEngine, match=r"'gpt'; known are anthropic, azure, custom, echo, google, llama_cpp, nvidia, open_ai"
    ):
        make_engine("gpt", SOURCE)


@pytest.mark.usefixtures("other_package")
def test_another_package_can_offer_an_engine() -> None:
    assert "theirs" in names()
    assert isinstance(make_engine("theirs", SOURCE), EchoEngine)


@pytest.mark.usefixtures("other_package")
def test_another_package_cannot_replace_a_built_in_engine() -> None:
    assert isinstance(make_engine("echo", SOURCE), EchoEngine)


@pytest.mark.usefixtures("other_package")
def test_a_broken_engine_names_its_package() -> None:
    with pytest.raises(EngineError, match="'broken' of the package 'theirs' does not load"):
        make_engine("broken", SOURCE)


def test_a_missing_package_names_the_extra() -> None:
    program = f"""
import sys
sys.path[:] = {sys.path!r}
sys.modules["aiohttp"] = None
from tropism.engines.registry import make_engine
from tropism.engines.protocol import EngineError, ModelSource
try:
    make_engine("custom", ModelSource(key="m", kind="Generation"))
except EngineError as error:
    print(error)
"""
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "'aiohttp': pip install 'tropism[server]'" in output.stdout


def test_the_registry_imports_no_heavy_package() -> None:
    heavy = ["aiohttp", "gguf", "numpy", "xllamacpp"]
    program = f"import sys; sys.path[:] = {sys.path!r}; import tropism.engines.registry; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(heavy) & set(output.stdout.split())

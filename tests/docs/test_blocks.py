"""Every code block of README and docs runs, page by page from the top, against a real engine; so does every example."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from openai import OpenAI

from tropism import Tropism
from tropism.testing import RunningServer, run_server

from .blocks import KINDS, PAGES, ROOT, SECONDS, blocks, check_console, check_diff, run_python, run_shell

CHAT_MODEL = "smollm2-135m-instruct"
ON_REAL_MODELS = {"README.md", "docs/guides/chat-and-streams.md", "docs/guides/tools.md"}
"""These show the bundled models at work; on the other pages echo models answer under the same names."""
WITH_CODE = [page for page in PAGES if any(block.kind in ("python", "sh") for block in blocks(page))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared once for all pages that use the bundled models."""
    return tmp_path_factory.mktemp("models")


@contextmanager
def _engine(real: bool, data: Path, model_files: Path) -> Iterator[RunningServer]:
    """A fresh engine with the first use case that `tropism serve` makes, on real models or on echoes."""
    if real:
        (data / "models").symlink_to(model_files)
        with run_server(echo_models=(), bundled_models=True, data=data) as server:
            yield server
        return
    with run_server(echo_models=(CHAT_MODEL,), data=data) as server:
        with Tropism(server.base_url, server.api_key) as client:
            client.models.attach(CHAT_MODEL, make_default=True, wait=True, use_case="default")
        yield server


def _point_at(server: RunningServer, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("TROPISM_BASE_URL", server.base_url)
    patch.setenv("TROPISM_API_KEY", server.api_key)


@pytest.mark.parametrize("page", WITH_CODE, ids=_name)
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, model_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, folder = tmp_path / "data", tmp_path / "folder"
    data.mkdir()
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # a page that downloads shall not do so here
    with _engine(_name(page) in ON_REAL_MODELS, data, model_files) as server:
        _point_at(server, monkeypatch)
        names: dict[str, Any] = {"__name__": "page"}
        try:
            for block in blocks(page):
                if block.kind == "python":
                    run_python(block, names)
                elif block.kind == "sh" and ("curl " not in block.text or which("curl")):
                    run_shell(block, folder)
        finally:
            _close_clients(names)


def _close_clients(names: dict[str, Any]) -> None:
    """A page's program would end here; ours goes on."""
    for client in names.values():
        if isinstance(client, Tropism | OpenAI):
            client.close()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_the_commands_and_changes_of_a_page_are_real(page: Path) -> None:
    for block in blocks(page):
        assert block.kind in KINDS, f"{block}: say what kind of block this is"
        if block.kind == "console" and "docs/reference" not in str(page):
            check_console(block)
        if block.kind == "diff":
            check_diff(block)


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_an_example_runs(example: Path, tmp_path: Path, model_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _engine(False, tmp_path, model_files) as server:
        _point_at(server, monkeypatch)
        command = [sys.executable, "-W", "error", str(example)]
        if example.name.startswith("test_"):
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(example)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_pages_and_examples() -> None:
    assert len(WITH_CODE) >= 8
    assert len(EXAMPLES) >= 3

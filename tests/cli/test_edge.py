"""What goes wrong becomes one line with the next step, and an exit code."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tropism as package
from tropism.cli import COMMANDS, call
from tropism.cli.engine import Engine
from tropism.version import __version__


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    source = {"PYTHONPATH": str(Path(package.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **source, **environment}, capture_output=True, text=True
    )


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert call(["--version"]) == 0
    assert capfd.readouterr().out.strip() == __version__


def test_help_names_every_command_in_order(capfd: pytest.CaptureFixture[str]) -> None:
    assert call(["--help"]) == 0
    said = capfd.readouterr().out
    places = [said.index(f"│ {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_help_imports_no_command_and_no_server() -> None:
    heavy = ["httpx2", "asyncio", "starlette", "sqlalchemy", "uvicorn", "tropism.server", "tropism.cli.models"]
    done = python(
        f"import sys; from tropism.cli import call; call(['--help']); print([n for n in {heavy} if n in sys.modules])"
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["models", "gett", "x"],
        ["models", "get"],
        ["models", "get", "x", "--bogus"],
        ["models", "list", "--kind", "Wrong"],
        ["chat", "hello"],
        ["ab", "report", "t", "--every", "often"],
    ],
)
def test_a_wrong_call_is_one_line_that_names_the_help_and_ends_with_2(tropism: Any, arguments: list[str]) -> None:
    ran = tropism(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert ran.err.startswith("Error: ")
    assert "--help` shows how it is called" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["models", "get", "missing"], "missing"),
        (["use-cases", "get", "missing"], "missing"),
        (["chat", "hi", "-u", "missing"], "missing"),
        (["me", "--api-key", "wrong"], "Give --api-key, or set TROPISM_API_KEY."),
        (["models", "terminate", "echo"], "support"),
        (["embed", "-u", "support"], "tropism embed"),
        (["me", "--base-url", "nowhere"], "http://"),
    ],
)
def test_a_failure_is_one_line_with_the_next_step_and_ends_with_1(
    tropism: Any, arguments: list[str], said: str
) -> None:
    ran = tropism(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    assert said in ran.err


def test_no_engine_names_the_command_that_starts_one(tropism: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ran = tropism("me", "--base-url", f"http://127.0.0.1:{port}")
    assert ran.code == 1
    assert "`tropism serve`" in ran.err


def test_the_key_of_a_local_engine_is_found(
    engine: Any, tropism: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".tropism").mkdir()
    (tmp_path / ".tropism/admin.key").write_text(engine.api_key + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TROPISM_API_KEY")
    assert tropism("me", "--json").json["email"]


def test_the_key_of_a_local_engine_stays_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".tropism").mkdir()
    (tmp_path / ".tropism/admin.key").write_text("secret")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(package.TropismError, match="No api key"):
        Engine(base_url="http://elsewhere.example").client()


def test_no_key_says_where_keys_come_from(tropism: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TROPISM_API_KEY")
    ran = tropism("me")
    assert ran.code == 1
    assert "--api-key" in ran.err
    assert "TROPISM_API_KEY" in ran.err


def test_a_reader_that_leaves_early_is_no_error(engine: Any) -> None:
    code = (
        "import os, sys; from tropism.cli import main\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "sys.argv = ['tropism', 'models', 'list', '--json']; main()"
    )
    done = python(code, TROPISM_BASE_URL=engine.base_url, TROPISM_API_KEY=engine.api_key)
    assert done.stderr == ""


def test_a_missing_package_names_the_extra() -> None:
    code = "import sys; sys.modules['sqlalchemy'] = None; from tropism.cli import call; sys.exit(call(['serve']))"
    done = python(code)
    assert (done.returncode, done.stdout) == (1, "")
    assert "tropism[server]" in done.stderr


def test_a_mistyped_command_imports_no_server() -> None:
    code = "import sys; from tropism.cli import call; call(['serv']); print('tropism.server' in sys.modules)"
    done = python(code)
    assert 'Did you mean "serve"?' in done.stderr
    assert done.stdout == "False\n"

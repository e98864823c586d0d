"""The fenced code blocks of a Markdown page, and how each kind is run or checked."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tropism.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
KINDS = {"python", "sh", "console", "diff", "text"}
"""`python` and `sh` run; of `console` the commands, of `diff` the present lines are checked; `text` is for people."""
SECONDS = 120
SAFE_TO_SHOW = {"cd", "cp", "export", "git", "kill", "python", "source", "systemctl", "tar"}


@dataclass(frozen=True)
class Block:
    """One code block, and the line on which its text begins."""

    path: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def blocks(path: Path) -> Iterator[Block]:
    """The code blocks of a page, from its beginning to its end."""
    page = path.read_text()
    for found in FENCE.finditer(page):
        line = page.count("\n", 0, found.start("text")) + 1
        yield Block(path, line, found["kind"], found["text"].replace("\n" + found["indent"], "\n"))


def run_python(block: Block, names: dict[str, Any]) -> None:
    """Run a block in the names that the page's earlier blocks left. Errors show the page and its line."""
    padded = "\n" * (block.line - 1) + block.text
    exec(compile(padded, str(block.path), "exec", dont_inherit=True), names)


def run_shell(block: Block, folder: Path) -> None:
    """Run a block as a person would who has activated the virtual environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


def check_console(block: Block) -> None:
    """Commands that take too long or change the machine: their options and targets must exist."""
    for line in re.sub(r"\\\n\s*", "", block.text).splitlines():
        if line.startswith("$ "):
            _check_command(shlex.split(line.removeprefix("$ "), comments=True), str(block))


def _check_command(words: list[str], place: str) -> None:
    while "=" in words[0] and words[0].partition("=")[0].isidentifier():
        words = words[1:]
    program, *arguments = words
    if program == "tropism":
        app.parse_args(arguments, exit_on_error=False, print_error=False)
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(arguments) <= set(targets), f"{place}: no such make target"
    elif program == "pip":
        _check_requirements(arguments, place)
    else:
        assert program in SAFE_TO_SHOW, f"{place}: what is {program!r}?"


def _check_requirements(arguments: list[str], place: str) -> None:
    """Extras exist, and versions are those of the bundled models."""
    extras = re.findall(r"^(\w+) = \[$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    for argument in arguments:
        if found := re.search(r"\[(\w+)\]$", argument):
            assert found[1] in extras, f"{place}: no such extra"
        if "==" in argument:
            models = (ROOT / "requirements" / "models.in").read_text().split()
            assert argument in models, f"{place}: not the version that `make setup` installs"


def check_diff(block: Block) -> None:
    """The lines that a shown change starts from are in the file, so that the walk through it stays true."""
    name, *lines = block.text.splitlines()
    present = [line[1:] for line in lines if line[:1] in (" ", "-")]
    assert "\n".join(present) in (ROOT / name.removeprefix("--- ")).read_text(), f"{block}: {name} reads otherwise now"

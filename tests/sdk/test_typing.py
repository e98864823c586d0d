"""Both type checkers agree with typing_examples.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import tropism

EXAMPLES = Path(__file__).with_name("typing_examples.py")
SOURCE = Path(tropism.__file__).parents[1]


def check(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], env={**os.environ, "MYPYPATH": str(SOURCE)}, capture_output=True, text=True
    )
    return done.stdout + done.stderr


def test_mypy_sees_exact_types_on_both_faces(tmp_path: Path) -> None:
    said = check("mypy", "--strict", "--warn-unused-ignores", f"--cache-dir={tmp_path}", str(EXAMPLES))
    assert said.startswith("Success"), said


def test_pyright_sees_exact_types_on_both_faces(tmp_path: Path) -> None:
    settings = {
        "extraPaths": [str(SOURCE)],
        "reportUnnecessaryTypeIgnoreComment": "error",
        "enableTypeIgnoreComments": False,
    }
    (tmp_path / EXAMPLES.name).write_text(EXAMPLES.read_text())  # pyright reads only below its settings
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    said = check("pyright", "--pythonpath", sys.executable, "--project", str(tmp_path), "--stats")
    assert "Total files checked: 1" in said, said
    assert "0 errors, 0 warnings" in said, said

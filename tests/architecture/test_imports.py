"""Who may import whom: the contracts of pyproject.toml, and what `import tropism` costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIGHT = {"tropism", "msgspec", "typing_extensions", "_distutils_hack"}
"""What `import tropism` may load besides the standard library. The HTTP library comes with the first client."""


def test_the_import_contracts_hold() -> None:
    check = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_tropism_loads_no_server_package() -> None:
    assert _loaded_by("import tropism") <= LIGHT


def test_the_command_line_starts_without_server_packages() -> None:
    code = "from tropism.cli import call; call(['--version'])"
    heavy = {"sqlalchemy", "alembic", "starlette", "uvicorn", "aiohttp", "cryptography", "numpy", "gguf", "xllamacpp"}
    assert not _loaded_by(code) & heavy


def _loaded_by(code: str) -> set[str]:
    """The top-level modules, not of the standard library, that are loaded after `code` in a fresh process."""
    script = (
        f"import sys, json; before = set(sys.modules)\n{code}\n"
        "print(); print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    return {name for name in loaded if name.lstrip("_") not in sys.stdlib_module_names} - sys.stdlib_module_names

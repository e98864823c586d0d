"""Every endpoint, permission, setting, error type, SDK operation and command is documented, and no page is stale."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tropism import Tropism, TropismError
from tropism.cli import app
from tropism.engines.protocol import EngineError
from tropism.engines.registry import UnknownEngine
from tropism.sdk.errors import STATUS_OF_TYPE
from tropism.server import errors
from tropism.server.settings import Settings
from tropism.wire.api import ENDPOINTS
from tropism.wire.permissions import PERMISSIONS

from .blocks import ROOT

DOCS = ROOT / "docs"
REFERENCE = "\n".join(page.read_text() for page in sorted((DOCS / "reference").glob("*.md")))
PAGES = [DOCS / "start.md", *sorted((DOCS / "guides").glob("*.md")), *sorted((DOCS / "concepts").glob("*.md"))]
WRITTEN = "\n".join(page.read_text() for page in PAGES)


def _subclasses(kind: type[Any]) -> set[type[Any]]:
    return {kind, *(found for each in kind.__subclasses__() for found in _subclasses(each))}


def _error_types() -> set[str]:
    ours = {each.type for each in _subclasses(errors.TropismError) if isinstance(getattr(each, "type", None), str)}
    engines = {each.type for each in _subclasses(EngineError) if each.__module__.startswith("tropism.")}
    return ours | engines | {UnknownEngine.type, "method_not_allowed"} | set(STATUS_OF_TYPE)


def _operations(holder: object | None = None, path: str = "") -> list[str]:
    """Every operation of a client; those of `evaluation.jobs` with their whole path."""
    found = []
    for name, resource in _public(holder or Tropism("http://127.0.0.1:1", "tk_nobody")):
        methods = [method for method in dir(resource) if not method.startswith("_")]
        nested = _operations(resource, f"{path}{name}.")
        found += nested or [f"{path}{name}.{method}" for method in methods]
    return found


def _public(holder: object) -> list[tuple[str, object]]:
    return [(name, value) for name, value in vars(holder).items() if not name.startswith("_")]


def _commands(path: tuple[str, ...] = (), parent: Any = app) -> list[str]:
    """Every command with its groups, such as `tropism models attach`."""
    found = []
    for name in parent:
        if not name.startswith("-"):
            command = parent[name]
            deeper = _commands((*path, name), command)
            found += deeper or [" ".join(("tropism", *path, name))]
    return found


def test_the_generated_files_are_fresh() -> None:
    check = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_endpoint_is_in_the_reference() -> None:
    assert [row.path for row in ENDPOINTS if f"`{row.method} {row.path}`" not in REFERENCE] == []


def test_every_permission_is_in_the_reference() -> None:
    assert [permission for permission in PERMISSIONS if f"`{permission}`" not in REFERENCE] == []


def test_every_setting_is_in_the_reference_and_in_the_guide() -> None:
    guide = (DOCS / "guides" / "operate.md").read_text()
    table = (DOCS / "reference" / "settings.md").read_text()
    for field in msgspec.structs.fields(Settings):
        rows = [line for line in table.splitlines() if line.startswith(f"| {field.name} |")]
        assert len(rows) == 1, field.name
        how = re.findall(r"`(--[\w-]+|[A-Z]+_\w+)`", rows[0])
        assert how, f"{field.name}: nobody can set it"
        assert how[0] in guide, f"{how[0]} is not in guides/operate.md"


@pytest.mark.parametrize("type", sorted(_error_types()))
def test_every_error_type_is_explained(type: str) -> None:
    assert f"`{type}`" in (DOCS / "guides" / "errors-and-retries.md").read_text()


def test_every_error_of_the_sdk_is_explained() -> None:
    page = (DOCS / "guides" / "errors-and-retries.md").read_text()
    kinds: set[type[Exception]] = _subclasses(TropismError)
    assert [kind.__name__ for kind in kinds if kind.__name__ not in page] == []


@pytest.mark.parametrize("operation", _operations())
def test_every_operation_is_in_a_guide(operation: str) -> None:
    assert f"{operation}(" in WRITTEN


def test_every_command_is_in_the_reference() -> None:
    commands = _commands()
    assert len(commands) > 20
    assert [command for command in commands if f"{command}\n" not in REFERENCE] == []


def test_every_decision_has_its_parts() -> None:
    pages = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1)), "numbers without gaps"
    for page in pages:
        text = page.read_text()
        for part in ("## Context", "## Decision", "## Consequences"):
            assert part in text, f"{page.name} lacks {part!r}"
        assert len(text.splitlines()) <= 70, f"{page.name} is longer than a page"


def test_every_decision_is_listed() -> None:
    listed = (DOCS / "decisions" / "README.md").read_text()
    assert [page.name for page in (DOCS / "decisions").glob("[0-9]*.md") if f"({page.name})" not in listed] == []


def test_the_version_is_in_the_changelog() -> None:
    from tropism import __version__

    assert f"## {__version__}" in Path(ROOT / "CHANGELOG.md").read_text()

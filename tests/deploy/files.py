"""Where the files are, and what the project says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tropism.server.settings import from_environment
from tropism.wire.api import ENDPOINTS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
WORKER = COMPOSE["services"]["worker"]


class _Asked(dict[str, str]):
    """An empty environment that remembers what was looked for in it."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return default


def _variables() -> set[str]:
    asked = _Asked()
    from_environment(asked)
    return asked.names


VARIABLES = _variables()
"""What the engine reads from its environment."""
OPEN_PATHS = {row.path for row in ENDPOINTS if row.method == "GET" and row.permission is None}
PORT = 8080

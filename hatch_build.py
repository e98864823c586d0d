"""Build the web UI into the wheel, and refuse a wheel without it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HOW_TO = "build the web UI first (make ui), install Node 20.19 or newer, or set TROPISM_WITHOUT_UI=1 to do without it"


class BuildUI(BuildHookInterface[Any]):
    """`ui/dist` becomes `tropism/server/web/built_ui`; it is built if it is not there."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or os.environ.get("TROPISM_WITHOUT_UI") == "1":
            return
        source = Path(self.root) / "ui"
        if not (source / "dist" / "index.html").is_file():
            _build(source)
        if not any((source / "dist" / "assets").glob("*.js")):
            raise RuntimeError(f"ui/dist holds no scripts; remove it, then {HOW_TO}")
        build_data["force_include"]["ui/dist"] = "tropism/server/web/built_ui"


def _build(source: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(f"there is no npm here: {HOW_TO}")
    for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        subprocess.run([npm, *command], cwd=source, check=True)

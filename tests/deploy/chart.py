"""Renders the Helm chart: with `helm` where there is one, else with gotpl: Go's templates with Helm's functions.

Where there is neither, the tests that need it are skipped; `make test-deploy` installs gotpl.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import jsonschema
import yaml

from .files import DEPLOY

CHART = DEPLOY / "helm" / "tropism"
CAN_RENDER = bool(shutil.which("helm") or find_spec("gotpl"))


class Refused(Exception):
    """The chart does not render with these values, and says why."""


def render(**values: Any) -> list[dict[str, Any]]:
    """The objects that a release `example` of the chart is made of."""
    text = _by_helm(values) if shutil.which("helm") else _by_gotpl(values)
    return [found for found in yaml.safe_load_all(text) if found]


def _by_helm(values: Mapping[str, Any]) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        command = ["helm", "template", "example", str(CHART), "--values", file.name]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def _by_gotpl(values: Mapping[str, Any]) -> str:
    from gotpl.exts.helm import HelmTemplateEngine

    chart, defaults = (yaml.safe_load((CHART / name).read_text()) for name in ("Chart.yaml", "values.yaml"))
    merged = _merged(defaults, values)
    sources = {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}
    context = {
        "Values": merged,
        "Chart": {name[0].upper() + name[1:]: value for name, value in chart.items()},
        "Release": {"Name": "example", "Namespace": "default", "Service": "Helm"},
    }
    try:
        jsonschema.validate(merged, json.loads((CHART / "values.schema.json").read_text()))
        engine = HelmTemplateEngine.from_sources(sources)
        rendered = engine.render({name: context for name in sources if name.endswith(".yaml")})
    except Exception as error:
        raise Refused(str(error)) from error
    return "\n---\n".join(rendered.values())


def _merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(defaults)
    for name, value in given.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if both else value
    return merged

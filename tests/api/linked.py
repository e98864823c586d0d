"""The hooks of `schemathesis run`: what is there to be named, and what it has reached. To import it is to hook them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis import GenerationMode
from tests.api.generated import KNOWN, OWN, REACHED


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """What no link names is of what is there, where the request is to be right. Nobody takes the walker's own place."""
    for name, value in (case.path_parameters or {}).items():
        if str(value) in json.loads(os.environ[OWN]):
            case.path_parameters[name] = str(uuid4())
    if case.meta.generation.mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
        there = json.loads(os.environ[KNOWN])
        case.body.update({name: value for name, value in there.items() if name in case.body})


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Note what was done to what was made before."""
    if "{" in case.operation.path and response.status_code < 400:
        with Path(os.environ[REACHED]).open("a") as file:
            file.write(f"{case.operation.label}\n")

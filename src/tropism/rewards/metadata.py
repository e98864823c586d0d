"""The model of a reward server's metadata: its JSON schema, and reading what a request brings into it.

A model is whatever msgspec reads (a dataclass, a TypedDict, a Struct), or a pydantic model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import msgspec


def model_of(server: type, generic: type) -> Any:
    """The model that a class names when it inherits: `class Brevity(RewardServer[Wanted])`."""
    for each in server.__mro__:
        for origin in getattr(each, "__orig_bases__", ()):
            if get_origin(origin) is generic and not hasattr(model := get_args(origin)[0], "__bound__"):
                return model
    return dict[str, Any]


def schema_of(model: Any) -> Mapping[str, Any]:
    """The JSON schema of a model; that of a plain dict lets everything in."""
    if hasattr(model, "model_json_schema"):
        return dict(model.model_json_schema())
    return {"type": "object"} if model == dict[str, Any] else msgspec.json.schema(model)


def read_as(model: Any, given: Mapping[str, Any] | None) -> Any:
    """The metadata of a request; none at all is an empty object. Raises `ValueError` with what is wrong."""
    if hasattr(model, "model_validate"):
        return model.model_validate(given or {})
    return msgspec.convert(given or {}, model)

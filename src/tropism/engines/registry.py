"""Engines by name: ours, and those that other packages offer under the entry-point group `tropism.engines`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import cast

from tropism.engines.protocol import Engine, EngineError, EngineFactory, ModelSource, OnState, ignore_state

GROUP = "tropism.engines"

ENGINES: Mapping[str, str] = MappingProxyType(
    {
        "anthropic": "tropism.engines.anthropic:AnthropicEngine",
        "azure": "tropism.engines.openai:azure",
        "custom": "tropism.engines.openai:custom",
        "echo": "tropism.engines.echo:EchoEngine",
        "google": "tropism.engines.google:GoogleEngine",
        "llama_cpp": "tropism.engines.llama_cpp:LlamaCppEngine",
        "nvidia": "tropism.engines.openai:nvidia",
        "open_ai": "tropism.engines.openai:open_ai",
        "vllm": "tropism.engines.vllm:VllmEngine",
    }
)
"""Text, not objects: an engine's packages are imported when the engine is used, not before."""


class UnknownEngine(EngineError):
    """No engine has that name."""

    status = 400
    type = "unknown_engine"


def make_engine(name: str, source: ModelSource, *, on_state: OnState = ignore_state) -> Engine:
    """Make the engine of that name for one model; it still has to be started."""
    return _factory(name)(source, on_state=on_state)


def names() -> list[str]:
    """The names that `make_engine` knows."""
    return sorted({*ENGINES, *(point.name for point in entry_points(group=GROUP))})


def _factory(name: str) -> EngineFactory:
    # Ours first, so that installing a package can never take the place of a built-in engine.
    if name in ENGINES:
        return _load_ours(name)
    for point in entry_points(group=GROUP, name=name):
        return _load_theirs(point)
    raise UnknownEngine(f"there is no engine named {name!r}; known are {', '.join(names())}")


def _load_ours(name: str) -> EngineFactory:
    module, attribute = ENGINES[name].split(":")
    try:
        return cast(EngineFactory, getattr(import_module(module), attribute))
    except ModuleNotFoundError as missing:
        raise EngineError(
            f"the engine {name!r} needs the Python package {missing.name!r}: pip install 'tropism[server]'"
        ) from missing


def _load_theirs(point: EntryPoint) -> EngineFactory:
    try:
        return cast(EngineFactory, point.load())
    except (ImportError, AttributeError) as failure:
        package = point.dist.name if point.dist else "unknown"
        raise EngineError(f"the engine {point.name!r} of the package {package!r} does not load: {failure}") from failure

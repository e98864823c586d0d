"""What a GGUF file says of the model in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gguf import GGUFReader

from tropism.weights.families import Unusable
from tropism.weights.messages import GgufFacts

_ENCODERS = ("bert", "nomic-bert", "jina-bert-v2", "gemma-embedding", "t5encoder", "modern-bert")


def read_facts(parts: Sequence[Path]) -> GgufFacts:
    """The facts of a model in one file or several. Raises `Unusable` for what is no whole model."""
    try:
        readers = [GGUFReader(part) for part in parts]
    except (ValueError, IndexError, OSError, KeyError) as error:
        raise Unusable(f"the GGUF file cannot be read; is it whole? ({error})") from None
    first = readers[0]
    if _field(first, "general.type") not in (None, "model"):
        raise Unusable(f"this GGUF file holds no model, but a {_field(first, 'general.type')!r}")
    architecture = str(_field(first, "general.architecture"))
    return GgufFacts(
        kind="Embedding" if _embeds(first, architecture) else "Generation",
        architecture=architecture,
        parameters=sum(int(tensor.n_elements) for reader in readers for tensor in reader.tensors),
        context=_field(first, f"{architecture}.context_length"),
        licence=_field(first, "general.license"),
        has_chat_template=_field(first, "tokenizer.chat_template") is not None,
    )


def _embeds(reader: GGUFReader, architecture: str) -> bool:
    """Models that make vectors say how they pool them; older files of encoders do not."""
    pooling = _field(reader, f"{architecture}.pooling_type")
    return bool(pooling) or architecture in _ENCODERS


def _field(reader: GGUFReader, name: str) -> Any:
    field = reader.fields.get(name)
    return None if field is None else field.contents()

"""From a model's row to what an engine is started from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tropism.engines.protocol import ModelSource
from tropism.server.secrets import Secrets
from tropism.server.settings import Settings
from tropism.wire.models import ComputeConfig


@dataclass(frozen=True, slots=True)
class Deployment:
    """What an engine is started from. Two that are equal need no restart."""

    engine: str
    source: ModelSource
    attempt: int


def deployment_of(row: Any, secrets: Secrets, settings: Settings, adapters: Sequence[Path] = ()) -> Deployment:
    """How to run the model of this row, its provider's key in clear, with adapters on top of it."""
    config = msgspec.convert(row.compute_config, ComputeConfig)
    base_url = None if row.endpoint else settings.base_urls.get(row.engine)
    slots = max(1, config.kv_cache_len // config.max_seq_len) if config.kv_cache_len else 4
    source = ModelSource(
        key=row.key,
        kind=row.kind,
        path=Path(row.path) if row.path else None,
        endpoint=row.endpoint or base_url,
        external_model_id=row.external_model_id,
        api_key=secrets.decrypt(row.secret, f"model:{row.id}:secret") if row.secret else None,
        extra_params=row.extra_params or {},
        egress=settings.egress.trusting(base_url) if base_url else settings.egress,
        context=config.max_seq_len,
        slots=slots,
        adapters=tuple(adapters),
    )
    return Deployment(row.engine, source, row.attempt)


def is_prepared(row: Any) -> bool:
    """A bundled model has no file until it is prepared, which may have failed."""
    return row.path is not None or row.engine != "llama_cpp"

"""From a model's row to what an engine is started from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from tropism.engines.protocol import ModelSource
from tropism.server.files.model_files import files_of, local_path, weights_of
from tropism.server.identity.secrets import Secrets
from tropism.server.serving.adapters import NONE, Adapters
from tropism.server.settings import Settings
from tropism.wire.models import ComputeConfig


@dataclass(frozen=True, slots=True)
class Deployment:
    """What an engine is started from. Two that are equal need no restart."""

    engine: str
    source: ModelSource
    attempt: int
    adapter_attempts: int
    files: Sequence[str] = ()
    """The paths, as rows say them, of what has to be on this machine before it starts (see model_files.py)."""

    def is_but_for_adapters(self, other: Deployment) -> bool:
        """Whether an engine that takes adapters while it runs can go from one to the other."""
        return self._base() == other._base()

    def _base(self) -> Deployment:
        return replace(self, source=replace(self.source, adapters=()), adapter_attempts=0)


def deployment_of(row: Any, secrets: Secrets, settings: Settings, adapters: Adapters = NONE) -> Deployment:
    """How to run the model of this row, its provider's key in clear, with adapters on top of it."""
    config = msgspec.convert(row.compute_config, ComputeConfig)
    base_url = None if row.endpoint else settings.base_urls.get(row.engine)
    slots = max(1, config.kv_cache_len // config.max_seq_len) if config.kv_cache_len else 4
    folder = weights_of(row)
    source = ModelSource(
        key=row.key,
        kind=row.kind,
        path=local_path(settings, row.path) if row.path else None,
        weights=local_path(settings, folder) if folder else None,
        endpoint=config.url or row.endpoint or base_url,
        external_model_id=config.served_name or row.external_model_id,
        api_key=secrets.decrypt(row.secret, f"model:{row.id}:secret") if row.secret else None,
        extra_params=row.extra_params or {},
        egress=settings.egress.trusting(base_url) if base_url else settings.egress,
        context=config.max_seq_len,
        slots=slots,
        adapters=tuple(adapters.files),
        devices=config.tp,
        cache=config.kv_cache_len,
        program=(settings.vllm, *settings.vllm_args),
    )
    return Deployment(row.engine, source, row.attempt, adapters.attempts, files_of(row))


def is_prepared(row: Any) -> bool:
    """A bundled model has no file until it is prepared, which may have failed."""
    return row.path is not None or row.engine != "llama_cpp"

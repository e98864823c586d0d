"""How models are run: what a compute config may say of a model, and what follows from a new one."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row, update

from tropism.egress.policy import Egress
from tropism.server.database.session import Writing
from tropism.server.domains.models import service
from tropism.server.errors import InvalidRequest
from tropism.server.identity.secrets import Secrets
from tropism.server.serving import placement
from tropism.server.tables.models import model
from tropism.wire import models as wire

OF_FILES: tuple[str, ...] = ("llama_cpp", "vllm")
"""The engines that run models whose files are here."""


def change(transaction: Writing, request: wire.ComputeConfigUpdate, secrets: Secrets, egress: Egress) -> wire.Model:
    """Change how a model is run. The fleet sees the difference and starts its engine anew."""
    row = service.own_engine(transaction, request.model)
    config = request.compute_config
    _refuse_small_cache(config)
    _refuse_engine(row, config, egress)
    values: dict[str, Any] = {"compute_config": _without_nothing(config)}
    if row.engine in OF_FILES:
        values |= {"engine": config.engine or "llama_cpp", "secret": _secret(row, request, secrets)}
        _take_along(transaction, row, values["engine"])
    if row.deployed:  # a new attempt: the engine starts anew even where it could not tell the configs apart
        values |= {"online": "PENDING", "error": None, "attempt": row.attempt + 1}
    transaction.run(update(model).where(model.c.id == row.id).values(**values))
    placement.begin_anew(transaction, row.id)
    transaction.touch()
    return service.described(service.find(transaction, request.model))


def _refuse_small_cache(config: wire.ComputeConfig) -> None:
    if config.kv_cache_len is not None and config.kv_cache_len < config.max_seq_len:
        raise InvalidRequest("`kv_cache_len` must hold at least one request of `max_seq_len`", param="kv_cache_len")


def _refuse_engine(row: Row[Any], config: wire.ComputeConfig, egress: Egress) -> None:
    if config.engine is not None and row.engine not in OF_FILES:
        raise InvalidRequest(f"{row.key!r} has no files here that {config.engine} could run", param="engine")
    if config.engine != "vllm":
        if config.url or config.served_name:
            raise InvalidRequest('`url` and `served_name` are those of a vLLM server: add engine="vllm"', param="url")
        return
    if config.url is not None:
        service.refuse_endpoint(config.url, egress, "url")
    elif row.weights_path is None and row.training_job_id is None:
        raise InvalidRequest(
            f"vLLM reads a folder with safetensors, and of {row.key!r} there is a GGUF file only; give the `url` of a "
            "vLLM server that has the model, or add it from such a folder",
            param="engine",
        )


def _secret(row: Row[Any], request: wire.ComputeConfigUpdate, secrets: Secrets) -> bytes | None:
    """The key of the server at the URL. It goes to no other server than the one that it was given for."""
    url = request.compute_config.url
    if request.api_key is None:
        return row.secret if url is not None and url == row.compute_config.get("url") else None
    if url is None:
        raise InvalidRequest("`api_key` is that of a vLLM server, whose `url` is missing", param="api_key")
    return secrets.encrypt(request.api_key, f"model:{row.id}:secret")


def _take_along(transaction: Writing, row: Row[Any], engine: str) -> None:
    """Variants and adapters are run by what runs their backbone."""
    if row.engine != engine:
        transaction.run(update(model).where(model.c.backbone_id == row.id).values(engine=engine, error=None))


def _without_nothing(config: wire.ComputeConfig) -> dict[str, Any]:
    """What is said, and no more: a release that knows less reads the configs of models which need no more."""
    return {name: value for name, value in msgspec.to_builtins(config).items() if value is not None}

"""Compute pools: machines that do the same work, and who works there at the moment."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing
from tropism.wire.values import Time


class Worker(Struct, kw_only=True, frozen=True):
    """A process that does the work of a pool: an engine, or one that `tropism worker` started."""

    id: UUID
    machine: str
    """The machine's name in its network."""
    capabilities: list[str]
    devices: list[str]
    """What it computes with, in words: `2 CPU cores`, `NVIDIA L4`."""
    running_jobs: int
    running_requests: int
    """How many requests its models worked on, at its last sign of life."""
    waiting_requests: int
    """How many waited there for a model."""
    models_online: list[str]
    """The keys of the models that it answers for."""
    started_at: Time
    seen_at: Time
    """When it last said that it lives."""


class ComputePool(Struct, kw_only=True, frozen=True):
    """A pool. Without workers its jobs wait."""

    key: str
    name: str
    capabilities: list[str]
    """What its workers can do: `inference`, `training`, `evaluation`, `models` (bring models here)."""
    workers: list[Worker]
    devices: list[str]
    waiting_jobs: int
    running_jobs: int
    running_requests: int
    waiting_requests: int
    models_online: list[str]
    """The keys of the models that answer there, as far as the caller may see models."""


class ComputePools(Struct, kw_only=True, frozen=True):
    """A list of pools, by key."""

    compute_pools: list[ComputePool]


LIST = Endpoint(
    method="GET",
    path="/api/v1/compute_pools",
    takes=Nothing,
    returns=ComputePools,
    permission="compute_pool:read",
    summary="List compute pools",
)

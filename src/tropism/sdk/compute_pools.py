"""Compute pools: where models run and jobs are done."""

from __future__ import annotations

import builtins

from tropism.sdk.flow import AsyncResource, Flow, Resource, SyncResource, operation
from tropism.sdk.send import send
from tropism.wire import compute_pools as wire
from tropism.wire.page import Nothing


class _ComputePools(Resource):
    @operation
    def list(self) -> Flow[builtins.list[wire.ComputePool]]:
        """List the pools by key, each with its workers, their devices, its jobs and the models that answer there.

        A pool is made by its first worker: `tropism worker --pool NAME`. The engine itself works in `default`.
        """
        answer = yield from send(wire.LIST, Nothing())
        return answer.compute_pools


class ComputePools(_ComputePools, SyncResource):
    """See who does the work."""


class AsyncComputePools(_ComputePools, AsyncResource):
    """See who does the work."""

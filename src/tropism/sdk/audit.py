"""The audit log: who changed what."""

from __future__ import annotations

import builtins

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import unchecked
from tropism.sdk.send import send
from tropism.wire import audit as wire
from tropism.wire.page import Nothing


class _Audit(Resource):
    @operation
    def list(
        self,
        user: Reference | None = None,
        action: str | None = None,
        *,
        before: int | None = None,
        limit: int = 100,
    ) -> Flow[builtins.list[wire.AuditEntry]]:
        """List what the users of your teams changed, newest first.

        `action` is an operation's name in the OpenAPI document; `before` continues behind an entry's number.
        """
        takes = wire.AuditFilter(user=unchecked(user), action=action, before=before, limit=limit)
        answer = yield from send(wire.LIST, takes)
        return answer.entries

    @operation
    def verify(self) -> Flow[wire.AuditVerdict]:
        """Check that the log is what was written. Keep its `last_digest` elsewhere to notice a log that was remade."""
        return (yield from send(wire.VERIFY, Nothing()))


class Audit(_Audit, SyncResource):
    """Who changed what, when and from where."""


class AsyncAudit(_Audit, AsyncResource):
    """Who changed what, when and from where."""

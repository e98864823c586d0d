"""Who may do what: permissions and users."""

from __future__ import annotations

import builtins

from tropism.sdk.flow import AsyncResource, Flow, Resource, SyncResource, operation
from tropism.sdk.send import send
from tropism.wire import access as wire
from tropism.wire.page import Nothing
from tropism.wire.permissions import Permission


class _Permissions(Resource):
    @operation
    def list(self) -> Flow[builtins.list[Permission]]:
        """List every permission that a role can hold, such as `use_case:read`."""
        answer = yield from send(wire.LIST_PERMISSIONS, Nothing())
        return answer.permissions


class Permissions(_Permissions, SyncResource):
    """What a role can allow."""


class AsyncPermissions(_Permissions, AsyncResource):
    """What a role can allow."""


class _Users(Resource):
    @operation
    def me(self) -> Flow[wire.User]:
        """Get the user whose api key this client holds."""
        return (yield from send(wire.ME, Nothing()))


class Users(_Users, SyncResource):
    """People and service accounts."""


class AsyncUsers(_Users, AsyncResource):
    """People and service accounts."""

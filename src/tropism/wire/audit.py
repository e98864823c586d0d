"""The audit log: who changed what, when and from where, in a chain that shows whether somebody meddled with it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing
from tropism.wire.values import LAST_NUMBER, Reference, Time


class AuditEntry(Struct, kw_only=True, frozen=True):
    """One change that was carried out. `request` is what was asked for, without secrets."""

    number: int
    """Counts from 1 without gaps."""
    at: Time
    user: str
    """Whose key it was, by email."""
    api_key: str | None
    """How the key begins."""
    address: str | None
    """The network address of the caller, as this server saw it."""
    action: str
    """The operation's name in the OpenAPI document."""
    path: str
    request: dict[str, Any]
    digest: str
    """SHA-256 of this entry together with the digest before it."""


class AuditFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which entries, newest first; `before` continues behind the last one of a page."""

    user: Reference | None = None
    action: str | None = None
    before: Annotated[int, Meta(ge=0, le=LAST_NUMBER)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class AuditEntries(Struct, kw_only=True, frozen=True):
    """A page of entries, newest first."""

    entries: list[AuditEntry]


class AuditVerdict(Struct, kw_only=True, frozen=True):
    """Whether the chain holds. `broken_at` is the first entry that is not what was written, or that follows a gap."""

    holds: bool
    first: int | None
    last: int | None
    last_digest: str | None
    """Keep it elsewhere: a chain that was rewritten as a whole ends in another one."""
    broken_at: int | None


LIST = Endpoint(
    method="GET",
    path="/api/v1/audit",
    takes=AuditFilter,
    returns=AuditEntries,
    permission="audit:read",
    summary="List what was changed by whom, newest first",
)
VERIFY = Endpoint(
    method="GET",
    path="/api/v1/audit/verification",
    takes=Nothing,
    returns=AuditVerdict,
    permission="audit:read",
    summary="Check the chain of the audit log",
)

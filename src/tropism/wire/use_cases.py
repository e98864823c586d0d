"""Use cases: one task that an application asks language models to do."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.feedback import FeedbackKey
from tropism.wire.models import ModelService
from tropism.wire.page import Nothing
from tropism.wire.values import Key, Name, Reference, Text, Time


class UseCaseCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new use case; the name defaults to the key, the team to the caller's own."""

    key: Key
    name: Name | None = None
    description: Text | None = None
    team: Reference | None = None


class Share(Struct, kw_only=True, frozen=True):
    """Another team that works on the use case, and the role that bounds what its members may do there."""

    team: str
    role: str


class UseCase(Struct, kw_only=True, frozen=True):
    """A use case with the feedback keys linked and the models attached to it."""

    id: UUID
    key: str
    name: str
    description: str | None
    team: str
    created_at: Time
    feedback_keys: list[FeedbackKey]
    model_services: list[ModelService]
    shared_with: list[Share]


class UseCases(Struct, kw_only=True, frozen=True):
    """A list of use cases."""

    use_cases: list[UseCase]


class UseCaseReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One use case."""

    use_case: Reference


class UseCaseShare(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whom to share a use case with. Members of that team get what both this role and their own allow."""

    use_case: Reference
    team: Reference
    role: Reference = "viewer"


class UseCaseShareReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One team that a use case is shared with."""

    use_case: Reference
    team: Reference


CREATE = Endpoint(
    method="POST",
    path="/api/v1/use_cases",
    takes=UseCaseCreate,
    returns=UseCase,
    permission="use_case:create",
    summary="Create a use case",
    status=201,
)
LIST = Endpoint(
    method="GET",
    path="/api/v1/use_cases",
    takes=Nothing,
    returns=UseCases,
    permission="use_case:read",
    summary="List use cases",
)
GET = Endpoint(
    method="GET",
    path="/api/v1/use_cases/{use_case}",
    takes=UseCaseReference,
    returns=UseCase,
    permission="use_case:read",
    summary="Get a use case",
)
SHARE = Endpoint(
    method="POST",
    path="/api/v1/use_cases/{use_case}/shares",
    takes=UseCaseShare,
    returns=UseCase,
    permission="use_case:share",
    summary="Share a use case with another team, under a role",
)
UNSHARE = Endpoint(
    method="DELETE",
    path="/api/v1/use_cases/{use_case}/shares/{team}",
    takes=UseCaseShareReference,
    returns=UseCase,
    permission="use_case:share",
    summary="Share a use case no longer with a team",
)

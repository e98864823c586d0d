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


class UseCases(Struct, kw_only=True, frozen=True):
    """A list of use cases."""

    use_cases: list[UseCase]


class UseCaseReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One use case."""

    use_case: Reference


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

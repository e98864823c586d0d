"""Use cases: one task that an application asks language models to do."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.feedback import FeedbackKey
from tropism.wire.models import ModelService
from tropism.wire.page import Nothing
from tropism.wire.values import Key, Name, Reference, Text, Time

CACHED_ANSWERS = 10_000
"""How many answers a use case keeps to give them again, unless it says otherwise."""
Redactable = Literal["credit_card", "email", "iban", "ip", "phone", "secret"]
"""What can be blotted out of messages and completions before they are stored."""


class UseCaseCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new use case; the name defaults to the key, the team to the caller's own."""

    key: Key
    name: Name | None = None
    description: Text | None = None
    team: Reference | None = None


class UseCaseUpdate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is to change of a use case; what is left out stays as it is.

    Interactions older than `retention_days` are deleted; 0 keeps them for good. `redact` names what is blotted out of
    interactions before they are stored; an empty list stores them as they are. With `cache_seconds`, the answer to a
    question is given again to the same one for so long; 0 has each one made anew. At most `cache_answers` are kept.
    """

    use_case: Reference
    name: Name | None = None
    description: Text | None = None
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] | None = None
    redact: Annotated[list[Redactable], Meta(max_length=20)] | None = None
    cache_seconds: Annotated[int, Meta(ge=0, le=31_536_000)] | None = None
    cache_answers: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


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
    retention_days: int | None
    """Interactions that are older are deleted; None keeps them for good."""
    redact: list[Redactable]
    """What is blotted out of interactions before they are stored."""
    cache_seconds: int | None
    """For how long an answer is given again to the same question; None has each one made anew."""
    cache_answers: int
    """How many of them are kept at most."""


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
UPDATE = Endpoint(
    method="PATCH",
    path="/api/v1/use_cases/{use_case}",
    takes=UseCaseUpdate,
    returns=UseCase,
    permission="use_case:update",
    summary="Change a use case: what of its interactions is kept, and for how long; whether answers are given again",
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

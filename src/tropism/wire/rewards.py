"""What trainers and reward servers say to each other, in JSON over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

INFO = "/info"
METADATA_SCHEMA = "/metadata_schema"
SCORE = "/score"
BATCH_SCORE = "/batch_score"

RequestId: TypeAlias = str | int


class Turn(Struct, kw_only=True, frozen=True):
    """One turn of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


Turns: TypeAlias = Annotated[Sequence[Turn], Meta(min_length=1)]


class ScoreRequest(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Score the last turn of a conversation. `metadata` is what its prompt came with, `id` comes back."""

    turns: Turns
    metadata: Mapping[str, Any] | None = None
    id: RequestId | None = None


class ScoreResponse(Struct, kw_only=True, frozen=True):
    """How good it is; more is better. `metadata` holds what else the server has to say about it."""

    reward: float
    metadata: Mapping[str, Any] | None = None
    id: RequestId | None | UnsetType = UNSET


class BatchScoreRequest(Struct, kw_only=True, frozen=True):
    """Several requests at once."""

    requests: Sequence[ScoreRequest]


class BatchScoreResponse(Struct, kw_only=True, frozen=True):
    """One response for each request: in their order without ids, in any order with them."""

    responses: Sequence[ScoreResponse]


class Info(Struct, kw_only=True, frozen=True):
    """Who a reward server is."""

    version: str
    name: str
    description: str = ""

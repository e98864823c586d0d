"""Embeddings: texts to vectors."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.chat import ModelRoute
from tropism.wire.endpoint import Endpoint

EncodingFormat = Literal["Float", "Base64"]
Inputs = Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1, max_length=2_048)]


class EmbeddingRequest(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Texts to embed."""

    model: ModelRoute
    input: Annotated[str, Meta(min_length=1)] | Inputs
    encoding_format: EncodingFormat = "Float"
    user: UUID | None = None


class Embedding(Struct, kw_only=True, frozen=True):
    """The vector of one text: numbers, or the base64 of their little-endian 32-bit floats."""

    index: int
    embedding: list[float] | str


class EmbeddingUsage(Struct, kw_only=True, frozen=True):
    """Tokens read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingResponse(Struct, kw_only=True, frozen=True):
    """One vector per text, in the order of the texts."""

    model: str
    data: list[Embedding]
    usage: EmbeddingUsage


CREATE = Endpoint(
    method="POST",
    path="/api/v1/embeddings",
    takes=EmbeddingRequest,
    returns=EmbeddingResponse,
    permission="embedding:create",
    summary="Embed texts",
    replayable=False,
)

"""Embeddings: texts to vectors."""

from __future__ import annotations

from collections.abc import Sequence

from tropism.sdk.chat import route
from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import Id, unchecked
from tropism.sdk.send import send
from tropism.wire import embeddings as wire


class _Embeddings(Resource):
    @operation
    def create(
        self,
        input: str | Sequence[str],
        model: Reference | None = None,
        encoding_format: wire.EncodingFormat = "Float",
        user: Id | None = None,
        *,
        use_case: Reference | None = None,
    ) -> Flow[wire.EmbeddingResponse]:
        """Embed one text or many, in their order, with the use case's default model or the one that is named.

        With `encoding_format="Base64"` each vector is the base64 of its little-endian 32-bit floats.
        """
        takes = wire.EmbeddingRequest(
            model=route(self._use_case(use_case), model),
            input=unchecked(input),
            encoding_format=encoding_format,
            user=unchecked(user),
        )
        return (yield from send(wire.CREATE, takes))


class Embeddings(_Embeddings, SyncResource):
    """Turn texts into vectors."""


class AsyncEmbeddings(_Embeddings, AsyncResource):
    """Turn texts into vectors."""

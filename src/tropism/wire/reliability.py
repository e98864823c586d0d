"""How patient the engine is with models, and how many requests they have at once."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(gt=0, le=3600)]


class Reliability(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How long an answer of an attached model may take, and how often the model is asked again.

    The first token and the pauses between tokens are timed in streams; the total in any case, waiting and all tries
    included. It is asked again only where it has certainly generated nothing: no connection was made, or the provider
    refused for now, with status 429, 503 or 529.
    """

    first_token_seconds: Seconds | None = None
    between_tokens_seconds: Seconds | None = None
    total_seconds: Seconds | None = None
    retries: Annotated[int, Meta(ge=0, le=5)] = 0


class Concurrency(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How many requests a model and its variants work on at once, and how many may wait; use cases take turns.

    Each server process counts for itself.
    """

    at_once: Annotated[int, Meta(ge=1, le=10_000)]
    waiting: Annotated[int, Meta(ge=0, le=100_000)] = 100

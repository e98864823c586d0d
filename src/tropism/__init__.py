"""Tropism: an open, self-hosted platform on which language models grow towards what their users want."""

from __future__ import annotations

from tropism.sdk.client import AsyncTropism, Tropism
from tropism.sdk.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    TropismError,
    UnprocessableEntityError,
)
from tropism.version import __version__

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncTropism",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "InternalServerError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "Tropism",
    "TropismError",
    "UnprocessableEntityError",
    "__version__",
]

"""Counts of tokens as providers tell them: what cannot be one is taken for a count that is missing."""

from __future__ import annotations

from tropism.engines.protocol import Usage

MOST = 2**31 - 1
"""More than any request has, and than a column of the log holds."""


def believed(usage: Usage) -> Usage | None:
    """The usage, unless one of its counts is none: limits and bills rest on them."""
    counts = (
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )
    return usage if all(is_count(count) for count in counts if count is not None) else None


def is_count(number: int) -> bool:
    """Whether there may be so many tokens."""
    return 0 <= number <= MOST

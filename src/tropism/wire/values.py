"""Small types that several domains share: keys, times, and the way from Python arguments to a struct."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

Key = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)",  # in Python, `$` alone lets a newline follow
        max_length=128,
        description="A short name chosen by the caller: letters, digits, dots, dashes and underscores.",
    ),
]
Reference = Annotated[str, Meta(min_length=1, max_length=128, description="The key of an entity, or its id.")]
Name = Annotated[str, Meta(min_length=1, max_length=200, description="What people read.")]
Text = Annotated[str, Meta(max_length=10_000)]
Time = Annotated[datetime, Meta(tz=True)]
LAST_NUMBER = 2**31 - 1
"""The highest number of a row. PostgreSQL fails on a higher one where SQLite finds nothing."""
Secret = Annotated[str, Meta(max_length=10_000, extra={"secret": True})]
"""What no log, error or export may show."""


def is_secret(kind: Any) -> bool:
    """Whether a field of this type holds a secret; an optional one does, too."""
    if any(isinstance(each, Meta) and (each.extra or {}).get("secret") for each in getattr(kind, "__metadata__", ())):
        return True
    return any(is_secret(each) for each in getattr(kind, "__args__", ()))


Labels = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=64)],
        Annotated[str, Meta(max_length=256)],
    ],
    Meta(max_length=32),
]

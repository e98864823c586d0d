"""How schemathesis writes a protobuf, and by which variables a test tells its hooks (linked.py) more."""

from __future__ import annotations

from typing import Any

import schemathesis

KNOWN, OWN, REACHED = "TROPISM_TEST_KNOWN", "TROPISM_TEST_OWN", "TROPISM_TEST_REACHED"


@schemathesis.serializer("application/x-protobuf")
def as_bytes(context: Any, value: Any) -> bytes:
    """No generator makes protobuf; what is none must be refused in order."""
    return value if isinstance(value, bytes) else str(value).encode()

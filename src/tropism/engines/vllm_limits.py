"""How long the vLLM engine waits, in seconds, and how often it tries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The defaults are for large models on GPUs."""

    start: float = 1800
    """Weights are read, kernels compiled and graphs captured before vLLM answers."""
    stop: float = 10
    """To end by itself."""
    pulse: float = 5
    """Between two looks at its health."""
    health: float = 10
    """To say that it is well."""
    silences: int = 3
    """So many looks in a row without an answer, and it counts as dead."""
    adapter: float = 300
    """To load one adapter."""
    restarts: int = 5
    """In a row, without a single answer in between; then the engine stays down. A server elsewhere is looked for
    without end."""
    first_pause: float = 1
    """Before the first restart; each further one doubles it."""


PATIENT = Limits()

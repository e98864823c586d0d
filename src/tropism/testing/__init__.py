"""For your own tests: a real server on a real socket, with models that answer without weights."""

from __future__ import annotations

from tropism.testing.server import RunningServer, run_server

__all__ = ["RunningServer", "run_server"]

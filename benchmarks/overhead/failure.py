"""The one error that ends the benchmark with a message instead of a traceback."""

from __future__ import annotations


class BenchmarkError(Exception):
    """The benchmark cannot give an honest figure."""

"""Tests of the real process; a package, so that they can share the way to start it."""

from __future__ import annotations

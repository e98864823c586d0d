"""Tests of chat and embeddings; a package, so that they can share the provider that they talk to."""

from __future__ import annotations

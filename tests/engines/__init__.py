"""Tests of the engines; a package, so that they can name the types of their fixtures."""

from __future__ import annotations

"""Tests of models and their engines; a package, so that they can share what runs beside them."""

from __future__ import annotations

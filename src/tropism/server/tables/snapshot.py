"""One number that grows with every change of what the hot path keeps in memory."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from tropism.server.tables.metadata import metadata

snapshot_version = Table("snapshot_version", metadata, Column("number", Integer, nullable=False))

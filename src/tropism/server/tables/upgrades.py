"""The oldest revision of the schema whose engines may work on it as it is: one row, written with each upgrade."""

from __future__ import annotations

from sqlalchemy import Column, Table

from tropism.server.database.types import Text
from tropism.server.tables.metadata import metadata

oldest_engine = Table("oldest_engine", metadata, Column("revision", Text, nullable=False))

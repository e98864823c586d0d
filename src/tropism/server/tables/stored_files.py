"""Files that several machines need, of models and unfinished uploads: what the storage holds, and where it belongs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Text
from tropism.server.tables.metadata import metadata

stored_file = Table(
    "stored_file",
    metadata,
    Column("name", Text, nullable=False),  # its path within a data directory
    Column("owner_id", Id, nullable=False, index=True),  # the job that made it, or the upload that it is a part of
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("is_whole", Boolean, nullable=False),  # false from before it is put there until after
    PrimaryKeyConstraint("name", "sha256"),
)

"""What the storage holds of models, as rows: expected before it is put there, whole when it is, and then forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, insert, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.files.carrying import StoredFile
from tropism.server.tables.stored_files import stored_file

_file = stored_file.c


def owner_of(name: str) -> UUID | None:
    """The job or upload that has what has this name, as `models/<job>/model.gguf`; None if nobody has."""
    try:
        return UUID(PurePosixPath(name).parts[1])
    except (IndexError, ValueError):
        return None


def expect(transaction: Writing, files: Sequence[StoredFile]) -> list[StoredFile]:
    """Note what is about to be put into the storage, so that it is removed if it leads to nothing; what is missing."""
    whole = _of(transaction, {owner_of(each.name) for each in files}, is_whole=True)
    missing = [each for each in files if each not in whole]
    for each in missing:
        forget(transaction, [each])
        values = {"name": each.name, "owner_id": owner_of(each.name), "size": each.size, "sha256": each.sha256}
        transaction.run(insert(stored_file).values(**values, is_whole=False))
    return missing


def confirm(transaction: Writing, files: Sequence[StoredFile]) -> None:
    """Note that they are in the storage. What an earlier attempt put there under the same names counts no more."""
    for each in files:
        is_this = _file.sha256 == each.sha256
        transaction.run(update(stored_file).where(_file.name == each.name).values(is_whole=is_this))


def under(session: Reading, paths: Sequence[str]) -> list[StoredFile]:
    """What the storage holds of these files and folders."""
    return [each for each in _of(session, {owner_of(path) for path in paths}, is_whole=True) if each.is_under(paths)]


def of_owner(session: Reading, owner: UUID) -> list[StoredFile]:
    """All that the storage holds of one job or upload, or may hold."""
    return _found(session, select(stored_file).where(_file.owner_id == owner))


def of_owners(session: Reading, owners: Select[Any]) -> list[StoredFile]:
    """All that the storage holds of these jobs, or may hold."""
    return _found(session, select(stored_file).where(_file.owner_id.in_(owners)))


def forget(transaction: Writing, files: Sequence[StoredFile]) -> None:
    """They are not in the storage any more."""
    for each in files:
        transaction.run(delete(stored_file).where(_file.name == each.name, _file.sha256 == each.sha256))


def _of(session: Reading, owners: set[UUID | None], *, is_whole: bool) -> list[StoredFile]:
    owned = _file.owner_id.in_([each for each in owners if each])
    return _found(session, select(stored_file).where(owned, _file.is_whole == is_whole))


def _found(session: Reading, wanted: Select[Any]) -> list[StoredFile]:
    rows = session.rows(wanted.order_by(_file.name))
    return [StoredFile(name=row.name, size=row.size, sha256=row.sha256) for row in rows]

"""Datasets as rows: found, described, made and deleted. Their files are the business of files.py and making.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select

from tropism.server.clock import first_id_at, milliseconds, time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.datasets.tally import Counts
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, NotFound
from tropism.server.references import refers, refuse_id
from tropism.server.tables.datasets import dataset, dataset_file
from tropism.server.tables.use_cases import use_case
from tropism.wire import datasets as wire

FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDataset:
    """What is known of a dataset besides its lines."""

    use_case_id: UUID
    key: str
    name: str
    source: wire.DatasetSource
    config: dict[str, Any] | None = None


_with_use_case = select(dataset, use_case.c.key.label("use_case")).join(use_case)


def find(session: Reading, reference: str, use_case_id: UUID) -> Row[Any]:
    """The row of a dataset of this use case, which the caller is known to see."""
    matching = _with_use_case.where(dataset.c.use_case_id == use_case_id, refers(dataset, reference))
    row = session.row(matching)
    if row is None:
        raise NotFound(
            f"no dataset {reference!r} in this use case; datasets.upload(...) or datasets.from_interactions(...) makes "
            "one, datasets.list() shows what there is",
            param="dataset",
        )
    return row


def by_reference(session: Reading, request: wire.DatasetReference | wire.DatasetPreview) -> Row[Any]:
    return find(session, request.dataset, use_cases.find(session, request.use_case).id)


def get(session: Reading, request: wire.DatasetReference) -> wire.Dataset:
    return described(by_reference(session, request))


def list_all(session: Reading, request: wire.DatasetFilter) -> wire.Datasets:
    used = use_cases.find(session, request.use_case)
    rows = session.rows(_with_use_case.where(dataset.c.use_case_id == used.id).order_by(dataset.c.id.desc()))
    return wire.Datasets(datasets=[described(row) for row in rows])


def check_new(session: Reading, use_case_id: UUID, key: str) -> None:
    """Refuse a key that is taken, or no key."""
    refuse_id(key, "key")
    if session.row(select(dataset.c.id).where(dataset.c.use_case_id == use_case_id, dataset.c.key == key)):
        raise Conflict(
            f"there is a dataset {key!r} in this use case already; choose another key, or delete it first with "
            f"datasets.delete({key!r})",
            param="key",
        )


def begin_file(transaction: Writing, new: NewDataset) -> UUID:
    """Note that a file is about to be there, so that it is removed should we die before its dataset is."""
    check_new(transaction, new.use_case_id, new.key)
    id = transaction.new_id()
    transaction.run(insert(dataset_file).values(id=id))
    return id


def create_from(transaction: Writing, id: UUID, new: NewDataset, counts: Counts) -> wire.Dataset:
    """The dataset whose file is in its place."""
    check_new(transaction, new.use_case_id, new.key)
    values = {
        "id": id,
        "use_case_id": new.use_case_id,
        "key": new.key,
        "name": new.name,
        "kind": counts.kind,
        "lines": counts.lines,
        "bytes": counts.bytes,
        "feedbacks": counts.feedbacks,
        "source": new.source,
        "config": new.config,
    }
    transaction.run(insert(dataset).values(**values))
    return described(find(transaction, str(id), new.use_case_id))


def remove(transaction: Writing, request: wire.DatasetReference) -> UUID:
    """Delete the row; who reads the file notices. The file is removed next, and then forgotten."""
    id: UUID = by_reference(transaction, request).id
    transaction.run(delete(dataset).where(dataset.c.id == id))
    return id


def forget_file(transaction: Writing, id: UUID) -> None:
    """The file is not there any more."""
    transaction.run(delete(dataset_file).where(dataset_file.c.id == id))


def abandoned_files(session: Reading) -> list[UUID]:
    """Files for a day without a dataset: whoever made or deleted it died meanwhile."""
    without = select(dataset_file.c.id).outerjoin(dataset, dataset.c.id == dataset_file.c.id)
    old = without.where(dataset.c.id.is_(None), dataset_file.c.id < oldest_kept(session))
    return [row.id for row in session.rows(old.limit(100))]


def oldest_kept(session: Reading) -> UUID:
    """Ids below this one are older than a day."""
    return first_id_at(milliseconds(session.now - FORGOTTEN_AFTER))


def described(row: Row[Any]) -> wire.Dataset:
    return wire.Dataset(
        id=row.id,
        key=row.key,
        name=row.name,
        use_case=row.use_case,
        kind=row.kind,
        lines=row.lines,
        bytes=row.bytes,
        feedbacks=[wire.FeedbackCount(feedback_key=key, count=count) for key, count in sorted(row.feedbacks.items())],
        source=row.source,
        config=row.config,
        created_at=time_of(row.id),
    )

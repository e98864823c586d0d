"""How models fare, as it is written down: by engines in the model's own row, by each worker in rows of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.files.model_files import local_path
from tropism.server.serving import placement
from tropism.server.serving.placement import DEFAULT_POOL, State
from tropism.server.settings import Settings
from tropism.server.tables.compute_pools import worker_model
from tropism.server.tables.models import model
from tropism.wire.models import Online


class Reports(Protocol):
    """What a fleet writes down, and the pool whose models it runs."""

    pool: str

    def begin(self, transaction: Writing) -> None:
        """Nothing runs yet, whatever the last process wrote."""

    def set_state(self, transaction: Writing, id: UUID, online: Online, reason: str | None) -> None:
        """A deployed model fares so; nothing is said of one that was terminated meanwhile, or moved."""

    def set_adapters(self, transaction: Writing, id: UUID, here: Collection[Path], refused: Mapping[Path, str]) -> None:
        """The engine of a base has these adapters, and refuses those for a reason."""

    def drop(self, transaction: Writing, id: UUID) -> None:
        """The model is not here any more, or is started anew."""


class EngineReports:
    """Of the engines: whichever wrote last is right."""

    pool = DEFAULT_POOL

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def begin(self, transaction: Writing) -> None:
        transaction.run(update(model).where(model.c.deployed).values(online="PENDING", error=None))
        transaction.run(update(model).where(~model.c.deployed).values(online="OFFLINE", error=None))
        placement.settle(transaction)
        transaction.touch()

    def set_state(self, transaction: Writing, id: UUID, online: Online, reason: str | None) -> None:
        if not _is_in(transaction, id, self.pool):
            return
        changed = update(model).where(model.c.id == id, model.c.deployed).values(online=online, error=reason)
        if transaction.run(changed):
            transaction.touch()

    def set_adapters(self, transaction: Writing, id: UUID, here: Collection[Path], refused: Mapping[Path, str]) -> None:
        if not _is_in(transaction, id, self.pool):
            return
        for row, (online, reason) in _adapters(transaction, self._settings, id, here, refused):
            if (reason, online) != (row.error, row.online):
                transaction.run(update(model).where(model.c.id == row.id).values(online=online, error=reason))
                transaction.touch()

    def drop(self, transaction: Writing, id: UUID) -> None:
        """What the row says is changed by whoever stops the model."""


class WorkerReports:
    """Of one worker of another pool."""

    def __init__(self, settings: Settings, name: str, pool: str) -> None:
        self._settings, self._name, self.pool = settings, name, pool
        self._said: dict[UUID, State] = {}

    def begin(self, transaction: Writing) -> None:
        transaction.run(delete(worker_model).where(worker_model.c.worker == self._name))
        self._tell(transaction)

    def set_state(self, transaction: Writing, id: UUID, online: Online, reason: str | None) -> None:
        if _is_in(transaction, id, self.pool):
            self._write(transaction, id, (online, reason))
            self._tell(transaction)

    def set_adapters(self, transaction: Writing, id: UUID, here: Collection[Path], refused: Mapping[Path, str]) -> None:
        for row, state in _adapters(transaction, self._settings, id, here, refused):
            self._write(transaction, row.id, state)
        self._tell(transaction)

    def drop(self, transaction: Writing, id: UUID) -> None:
        own = transaction.rows(select(model.c.id).where((model.c.id == id) | (model.c.backbone_id == id)))
        for row in own:
            self._said.pop(row.id, None)
        mine = worker_model.c.worker == self._name
        transaction.run(delete(worker_model).where(mine, worker_model.c.model_id.in_([row.id for row in own])))
        self._tell(transaction)

    def repeat(self, transaction: Writing) -> None:
        """Say all of it again: somebody thought us gone."""
        for id, state in self._said.items():
            self._write(transaction, id, state)
        self._tell(transaction)

    def _write(self, transaction: Writing, id: UUID, state: State) -> None:
        self._said[id] = state
        key = (worker_model.c.worker == self._name, worker_model.c.model_id == id)
        values = {"online": state[0], "error": state[1]}
        if not transaction.run(update(worker_model).where(*key).values(**values)):
            transaction.run(insert(worker_model).values(worker=self._name, model_id=id, **values))

    def _tell(self, transaction: Writing) -> None:
        placement.settle(transaction)
        transaction.touch()


def _is_in(session: Reading, id: UUID, pool: str) -> bool:
    """Whether a model is deployed, and runs in the pool."""
    row = session.row(select(model).where(model.c.id == id))
    return row is not None and row.deployed and pool in placement.runs_in(session, row)


def _adapters(
    session: Reading, settings: Settings, id: UUID, here: Collection[Path], refused: Mapping[Path, str]
) -> Iterator[tuple[Any, State]]:
    """The adapters of a base of which something is known."""
    adapters = select(model).where(model.c.backbone_id == id, model.c.deployed, model.c.adapter_path.is_not(None))
    for row in session.rows(adapters):
        file = local_path(settings, row.adapter_path)
        if file in refused:
            yield row, ("ERROR", refused[file])
        elif file in here:
            yield row, ("ONLINE", None)

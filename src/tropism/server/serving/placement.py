"""Where models run: in the engines, which are the pool `default`, or in the workers of the pools that are named.

A placement is said of an attachment, and what is said of all attachments of a model, of its variants and adapters
together is where it is loaded. A model that is attached nowhere runs in the engines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from sqlalchemy import delete, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.tables.compute_pools import worker, worker_model
from tropism.server.tables.models import attachment, model
from tropism.wire.models import Online

P = ParamSpec("P")
T = TypeVar("T")
State = tuple[Online, str | None]
"""How a model fares, and why it fails."""
DEFAULT_POOL = "default"
"""The engines of the deployment."""
INFERENCE = "inference"
ENGINES = frozenset({DEFAULT_POOL})


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolWorker:
    """A worker that answers for models, and how each one fares that it has, adapters among them."""

    name: str
    pool: str
    address: str
    models: Mapping[UUID, State]

    def has(self, *ids: UUID) -> bool:
        """Whether all of these can be asked there: an adapter and its base, say."""
        return all(self.models.get(id, ("PENDING", None))[0] == "ONLINE" for id in ids)

    def fares(self, ids: Iterable[UUID]) -> State:
        """How a model fares there; what it waits for first, its base, tells."""
        for id in ids:
            state = self.models.get(id, ("PENDING", None))
            if state[0] != "ONLINE":
                return state
        return "ONLINE", None


@dataclass(frozen=True, slots=True)
class Load:
    """How many requests the models of a process have at the moment."""

    running: int = 0
    waiting: int = 0


IDLE = Load()


def workers(session: Reading) -> tuple[PoolWorker, ...]:
    """Those that are there to answer for models."""
    states: dict[str, dict[UUID, State]] = defaultdict(dict)
    for row in session.rows(select(worker_model)):
        states[row.worker][row.model_id] = (row.online, row.error)
    there = select(worker).where(worker.c.address.is_not(None), worker.c.seen_ms > 0).order_by(worker.c.id)
    return tuple(
        PoolWorker(name=row.name, pool=row.pool, address=row.address, models=states[row.name])
        for row in session.rows(there)
        if INFERENCE in row.capabilities
    )


def pools_of(row: Any, placement: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Where an attached model runs, first choice first. The model of a provider runs at the provider's."""
    if placement is None or row.provider is not None:
        return (DEFAULT_POOL,)
    return tuple(dict.fromkeys(placement.get("compute_pools") or (DEFAULT_POOL,)))


def pools(session: Reading) -> Mapping[UUID, frozenset[str]]:
    """Where each attached model's engine runs, by the engine's id; one that is not named runs in the engines."""
    found: dict[UUID, frozenset[str]] = defaultdict(frozenset)
    columns = select(model.c.id, model.c.backbone_id, model.c.provider, attachment.c.placement)
    for row in session.rows(columns.join(attachment, attachment.c.model_id == model.c.id)):
        found[row.backbone_id or row.id] |= {*pools_of(row, row.placement)}
    return dict(found)


def runs_in(session: Reading, row: Any) -> frozenset[str]:
    """The pools in which the engine of this model runs."""
    return pools(session).get(row.backbone_id or row.id, ENGINES)


def state(there: Sequence[PoolWorker], names: Sequence[str], ids: Sequence[UUID], engines: State) -> State:
    """How a model fares in the pools with these names: the best of what is said. `engines` is what our own say."""
    said = [each.fares(ids) for each in there if each.pool in names]
    if DEFAULT_POOL in names:
        said.append(engines)
    if not said:
        return "ERROR", nobody(names)
    return min(said, key=lambda each: ("ONLINE", "PENDING", "ERROR", "OFFLINE").index(each[0]))


def fares(row: Any, placed: Mapping[str, Any] | None, there: Sequence[PoolWorker], engines: State) -> State:
    """How a deployed model fares that is attached with this placement."""
    if (names := pools_of(row, placed)) == (DEFAULT_POOL,):
        return engines
    return state(there, names, asked_for(row), engines)


def asked_for(row: Any) -> list[UUID]:
    """What must be online where the model of this row is asked: its engine, and if it is an adapter, itself."""
    engine_id = row.backbone_id or row.id
    return [engine_id] if row.adapter_path is None else [engine_id, row.id]


def nobody(names: Sequence[str]) -> str:
    """What to do about pools in which nobody answers for models."""
    which = "the pool " + repr(names[0]) if len(names) == 1 else "the pools " + ", ".join(map(repr, names))
    return f"no worker in {which} answers for models; `tropism worker --pool {names[0]} --capabilities inference` does"


def settle(transaction: Writing) -> None:
    """Write down how the models fare that no engine runs: the best that is said of each by the workers of its pools."""
    where, there = pools(transaction), workers(transaction)
    for row in transaction.rows(select(model).where(model.c.deployed)):
        names = where.get(row.backbone_id or row.id, ENGINES)
        if DEFAULT_POOL in names:
            continue
        online, error = state(there, sorted(names), asked_for(row), ("OFFLINE", None))
        if (online, error) != (row.online, row.error):
            transaction.run(update(model).where(model.c.id == row.id).values(online=online, error=error))
            transaction.touch()


def move(transaction: Writing, engine_id: UUID, before: frozenset[str]) -> None:
    """Take note that a model was placed elsewhere than before: what the others said of it holds no longer."""
    after = pools(transaction).get(engine_id, ENGINES)
    if DEFAULT_POOL in after and DEFAULT_POOL not in before:
        own = (model.c.id == engine_id) | (model.c.backbone_id == engine_id)
        transaction.run(update(model).where(own, model.c.deployed).values(online="PENDING", error=None))
    settle(transaction)


def begin_anew(transaction: Writing, engine_id: UUID) -> None:
    """What workers have said of a model and its adapters was said of another try."""
    own = select(model.c.id).where((model.c.id == engine_id) | (model.c.backbone_id == engine_id))
    transaction.run(delete(worker_model).where(worker_model.c.model_id.in_(own.scalar_subquery())))
    settle(transaction)


def settled(transaction: Writing, write: Callable[Concatenate[Writing, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Write something about workers; if that changed where models can be asked, the models say so."""
    result = write(transaction, *args, **kwargs)
    if transaction.changed:
        settle(transaction)
    return result

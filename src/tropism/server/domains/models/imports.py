"""Models that are brought here by jobs: what is refused at once, and what the jobs are told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy import select

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.compute_pools.service import DEFAULT_POOL
from tropism.server.domains.jobs import service as jobs
from tropism.server.domains.models import owners, service
from tropism.server.errors import Conflict, InvalidRequest
from tropism.server.identity.secrets import Secrets
from tropism.server.tables.jobs import job
from tropism.weights.families import Unusable, shape_of
from tropism.weights.selection import select as select_files
from tropism.wire import models as wire
from tropism.wire.jobs import Job

CAPABILITY = "models"
MAGIC = b"GGUF"
FROM_HUB = ("find", "download", "verify")
ALWAYS = ("convert", "check")
STORE, REGISTER = "store", "register"


class HubModel(msgspec.Struct, kw_only=True, frozen=True):
    """Where on the hub it is."""

    hf_model_id: str
    revision: str | None
    file: str | None


class ImportRequest(msgspec.Struct, kw_only=True, frozen=True):
    """What the job is told: a model of the hub, or a file or folder of this machine."""

    key: str
    name: str
    hub: HubModel | None = None
    path: str | None = None
    stored: bool = False
    """Whether its files go into the storage, for engines with data directories of their own."""

    @property
    def stages(self) -> Sequence[str]:
        return (*(FROM_HUB if self.hub else ()), *ALWAYS, *((STORE,) if self.stored else ()), REGISTER)


def add_hf(transaction: Writing, request: wire.HfModelCreate, secrets: Secrets, *, stored: bool) -> Job:
    """Put the download into the queue; the token is encrypted for its job."""
    id = transaction.new_id()
    token = secrets.encrypt(request.hf_token, jobs.secret_place(id)) if request.hf_token else None
    hub = HubModel(hf_model_id=request.hf_model_id, revision=request.revision, file=request.file)
    name = request.output_model_name or request.output_model_key
    told = ImportRequest(key=request.output_model_key, name=name, hub=hub, stored=stored)
    return _enqueue(transaction, told, id=id, secret=token, pool=request.compute_pool or DEFAULT_POOL)


def add_local(transaction: Writing, request: wire.LocalModelCreate, *, stored: bool) -> Job:
    """Put a file or folder of this machine into the queue, unless it is seen at once that it is no model."""
    path = Path(request.path)
    if not path.is_absolute():
        raise InvalidRequest("`path` must be absolute: it is a path on the server", param="path")
    try:
        _refuse(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidRequest(f"cannot read the file: {reason}", param="path") from None
    except Unusable as error:
        raise InvalidRequest(str(error), param="path") from None
    told = ImportRequest(key=request.key, name=request.name or request.key, path=str(path), stored=stored)
    return _enqueue(transaction, told, id=transaction.new_id())


def _refuse(path: Path) -> None:
    if path.is_dir():
        if select_files(each.name for each in path.iterdir()).kind == "safetensors":
            shape_of(path)
        return
    if path.exists() and not path.is_file():  # to open a pipe could wait for ever
        raise Unusable("this is no file")
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise Unusable("this is no GGUF file, and no folder of a model with safetensors")


def _enqueue(
    transaction: Writing, told: ImportRequest, *, id: UUID, secret: bytes | None = None, pool: str = DEFAULT_POOL
) -> Job:
    service.refuse_taken(transaction, told.key)
    _refuse_same_key(transaction, told.key)
    return jobs.enqueue(
        transaction,
        jobs.NewJob(
            id=id,
            kind="model",
            name=f"{told.hub.hf_model_id} as {told.key}" if told.hub else f"{Path(told.path or '').name} as {told.key}",
            team_id=owners.of_new(transaction),  # models are used by all teams, jobs seen by one
            request=told,
            stages=told.stages,
            pool=pool,
            capability=CAPABILITY,
            secret=secret,
        ),
    )


def _refuse_same_key(session: Reading, key: str) -> None:
    unfinished = select(job.c.id, job.c.request).where(job.c.kind == "model", job.c.status.in_(jobs.UNFINISHED))
    for row in session.rows(unfinished):
        if row.request["key"] == key:
            if not jobs.is_seen(session, row.id):
                raise Conflict(f"another team makes a model {key!r}; choose another key", param="key")
            raise Conflict(f"job {row.id} makes a model {key!r}; choose another key, or cancel it", param="key")

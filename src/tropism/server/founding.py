"""What a fresh engine is given, and what each start makes sure of: an admin, built-in models, a first use case."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import UUID

from sqlalchemy import update

from tropism.engines import bundled
from tropism.engines.bundled import BundledModel
from tropism.engines.protocol import EngineError
from tropism.server.context import Services
from tropism.server.database.session import Writing
from tropism.server.domains.access import service as access
from tropism.server.domains.models import attachments
from tropism.server.domains.models import service as models
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.files.model_files import named
from tropism.server.identity import rotation
from tropism.server.identity.principal import SYSTEM
from tropism.server.identity.secrets import first_written, new_api_key
from tropism.server.tables.models import model
from tropism.wire.models import AttachModel
from tropism.wire.use_cases import UseCaseCreate

log = logging.getLogger("tropism")
FIRST_USE_CASE = "default"
KEY_FILE = "admin.key"


async def found(services: Services) -> None:
    """Give a fresh engine what it needs, and an older one what a new release adds."""
    database, settings = services.database, services.settings
    if await database.read(SYSTEM, access.is_fresh):
        # The file comes first: a key that is only in the database, as a hash, could never be told to anyone.
        file = settings.data / KEY_FILE
        key = settings.admin_api_key
        if key is None:
            key = await asyncio.to_thread(first_written, file, new_api_key())
        await database.write(SYSTEM, _begin, services, key)
        await database.catch_up()
        if services.secrets.digest(key) not in database.snapshot.principals:  # another engine's is the admin's
            file.unlink(missing_ok=True)
    await database.write(SYSTEM, rotation.reseal, services.secrets)
    if await database.read(SYSTEM, rotation.knows_no_api_key, services.secrets):
        log.warning(
            "no api key of the database was hashed with the master key of this engine: "
            "engines on one database need the same TROPISM_SECRET_KEY, or the same secret.key in their data directories"
        )
    await database.write(SYSTEM, _keep_up, services)
    if settings.bundled_models:
        for each in bundled.MODELS.values():
            services.spawn(_prepare(services, each))


def _begin(transaction: Writing, services: Services, key: str) -> None:
    if not access.is_fresh(transaction):  # another engine started at the same time, and was first
        return
    access.found(transaction, services.secrets, key)
    use_cases.create(transaction, UseCaseCreate(key=FIRST_USE_CASE, name="Default"))
    _add_built_in(transaction, services)
    if services.settings.bundled_models:
        chat = next(each for each in bundled.MODELS.values() if each.kind == "Generation")
        attachments.attach(transaction, AttachModel(use_case=FIRST_USE_CASE, model=chat.key, make_default=True))


def _keep_up(transaction: Writing, services: Services) -> None:
    access.keep_built_in_roles(transaction)
    models.take_prices(transaction, services.prices)
    _add_built_in(transaction, services)


def _add_built_in(transaction: Writing, services: Services) -> None:
    for each in bundled.MODELS.values() if services.settings.bundled_models else ():
        config: dict[str, Any] = {"compute_config": {"max_seq_len": each.context}}
        models.add_built_in(transaction, key=each.key, engine="llama_cpp", name=each.key, kind=each.kind, **config)
    for key in services.settings.echo_models:
        models.add_built_in(transaction, key=key, engine="echo", name=key, kind="Generation")


async def _prepare(services: Services, each: BundledModel) -> None:
    """Make the model's file if it is not there yet; from then on it can be deployed."""
    database = services.database
    try:
        path = await asyncio.to_thread(bundled.prepare, each.key, services.settings.data / "models")
    except EngineError as error:
        log.warning("%s", error)
        id = await database.write(SYSTEM, _set_path, each.key, None)
        await services.fleet.report(id, "error", str(error))
    else:
        await database.write(SYSTEM, _set_path, each.key, named(services.settings, path.absolute()))


def _set_path(transaction: Writing, key: str, path: str | None) -> UUID:
    id: UUID = models.find(transaction, key).id
    transaction.run(update(model).where(model.c.id == id).values(path=path))
    transaction.touch()
    return id

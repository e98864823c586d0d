"""Put the server together: settings → database → engines → routes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from importlib import import_module

from starlette.applications import Starlette

from tropism.server import snapshot
from tropism.server.background import Background
from tropism.server.chores import done_regularly
from tropism.server.clock import Clock
from tropism.server.context import Services
from tropism.server.database.connect import Database
from tropism.server.domains.compute_pools.service import DEFAULT_POOL, INFERENCE
from tropism.server.domains.jobs.service import CAPABILITIES
from tropism.server.files.storage import storage_of
from tropism.server.founding import found
from tropism.server.identity.oidc_provider import provider
from tropism.server.identity.passwords import Passwords
from tropism.server.identity.secrets import Secrets, master_key
from tropism.server.jobs.supervisor import workers
from tropism.server.limits.ledger import Ledger
from tropism.server.membership import announced, place
from tropism.server.observability.gauges import observed
from tropism.server.observability.metrics import Metrics
from tropism.server.observability.observing import Observer, Tracing
from tropism.server.prices import price_list
from tropism.server.privacy.forgetting import carried_out
from tropism.server.processes import lock
from tropism.server.serving.doors import Doors
from tropism.server.serving.elsewhere import Elsewhere
from tropism.server.serving.fleet import Fleet, load
from tropism.server.serving.reports import EngineReports
from tropism.server.serving.roll_call import called
from tropism.server.settings import Settings
from tropism.server.web import docs_page, http, ui
from tropism.wire.api import ENDPOINTS

ROUTES = (
    "health",
    "access",
    "sign_ins",
    "audit",
    "limits",
    "use_cases",
    "models",
    "costs",
    "trends",
    "interactions",
    "feedback",
    "ab_tests",
    "judges",
    "compute_pools",
    "jobs",
    "chat",
    "evaluation",
    "datasets",
    "reward_servers",
    "training",
    "metrics",
    "otlp",
)
for domain in ROUTES:
    import_module(f"tropism.server.domains.{domain}.routes")
for module in ("embeddings", "openai"):
    import_module(f"tropism.server.domains.chat.{module}")


class DatabaseUnusable(Exception):
    """The database cannot be opened, or is none of ours."""


@asynccontextmanager
async def application(
    settings: Settings, clock: Clock | None = None, *, is_held: bool = False
) -> AsyncIterator[Starlette]:
    """The running application. On the way out it stores what was accepted and stops its engines.

    With `is_held`, somebody else sees to it that nobody has the data directory but us and our like.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    with nullcontext() if is_held else lock.take(settings.data, shared=not settings.is_one_file):
        wake = asyncio.Event()
        async with (
            _services(settings, wake.set, clock or Clock()) as services,
            announced(
                services,
                f"engine/{place(settings)}/{os.getpid()}",
                DEFAULT_POOL,
                (INFERENCE, *CAPABILITIES),
                load=partial(load, services.fleet, services.doors),
            ),
            called(services),
            done_regularly(services),
            workers(services, wake),
            carried_out(services),
            services.limits.kept(),
        ):
            yield http.application(ENDPOINTS, services, [*docs_page.routes(), *ui.routes()])


@asynccontextmanager
async def _services(settings: Settings, wake_workers: Callable[[], None], clock: Clock) -> AsyncIterator[Services]:
    storage_of(settings)  # what cannot be used is said now, and not to the first who uploads
    background = Background()
    secrets = Secrets(master_key(settings.secret_key, settings.data / "secret.key"))
    database = Database(
        settings.database_url, clock, snapshot.load, snapshot.version, max_pending_writes=settings.max_pending_writes
    )
    doors, passwords = Doors(clock.monotonic), Passwords()
    elsewhere = Elsewhere(secrets.worker_token, doors, clock.monotonic)
    fleet = Fleet(secrets, settings, background.spawn, EngineReports(settings), elsewhere)
    services = Services(
        settings=settings,
        clock=clock,
        secrets=secrets,
        database=database,
        fleet=fleet,
        passwords=passwords,
        limits=Ledger(database, clock),
        provider=provider(settings, clock.monotonic),
        spawn=background.spawn,
        wake_workers=wake_workers,
        observer=Observer(Metrics(), clock, _tracing(settings)),
        doors=doors,
        prices=price_list(settings.prices),
    )
    await _open(database)
    try:
        background.spawn(passwords.prepare())
        await fleet.start(database)
        await found(services)
        with observed(services):
            yield services
    finally:
        await fleet.close()
        await background.finish()
        passwords.close()
        await database.close()
        if services.observer.tracing is not None:
            await asyncio.to_thread(services.observer.tracing.close)


def _tracing(settings: Settings) -> Tracing | None:
    """Where traces go; the packages for that are imported only then."""
    if settings.otlp_endpoint is None:
        return None
    try:
        from tropism.server.observability.otel import OpenTelemetry
    except ModuleNotFoundError as missing:
        raise ValueError(
            f"TROPISM_OTLP_ENDPOINT needs the Python package {missing.name!r}: pip install 'tropism[otel]'"
        ) from missing
    return OpenTelemetry(settings.otlp_endpoint, settings.otlp_content)


async def _open(database: Database[snapshot.Snapshot]) -> None:
    try:
        await database.open()
    except Exception as error:  # of the driver's many kinds; whichever it is, it is about what --database names
        reason = getattr(error, "orig", None) or error
        raise DatabaseUnusable(f"the database cannot be used: {reason}") from error

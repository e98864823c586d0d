"""The state that Prometheus is shown: which models are online, what waits, and what is in hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

from tropism.server.context import Services


@contextlib.contextmanager
def observed(services: Services) -> Iterator[None]:
    """Show the state of these services, on a port of its own where the settings name one."""
    metrics, settings = services.observer.metrics, services.settings
    loop = asyncio.get_running_loop()
    metrics.watch(lambda: _state(services, loop))
    if settings.metrics_port is None:
        yield
        return
    try:
        stop = metrics.serve(settings.host, settings.metrics_port)
    except OSError as error:
        raise ValueError(
            f"TROPISM_METRICS_PORT: port {settings.metrics_port} cannot be used: {error.strerror}"
        ) from None
    try:
        yield
    finally:
        stop()


def _state(services: Services, loop: asyncio.AbstractEventLoop) -> Iterable[tuple[str, str, dict[str, float]]]:
    attached = [model for used in services.database.snapshot.use_cases.values() for model in used.models.values()]
    models = {model.key: float(model.online == "ONLINE") for model in attached}
    left_alone = {model.key: float(services.doors.is_closed(model)) for model in attached}
    yield "tropism_model_online", "Whether an attached model can answer.", models
    yield "tropism_model_left_alone", "Whether an attached model failed too often to be asked.", left_alone
    yield "tropism_pending_writes", "Writes that wait for the disk.", {"": services.database.pending_writes}
    yield "tropism_tasks", "Pieces of work in hand.", {"": len(asyncio.all_tasks(loop))}

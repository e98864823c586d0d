"""Wait until a model is online: flows that ask again and again, less and less often."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tropism.sdk.errors import APITimeoutError, TropismError
from tropism.sdk.flow import Flow, Now, Sleep
from tropism.sdk.send import send
from tropism.wire import models as wire
from tropism.wire import use_cases

T = TypeVar("T", wire.Model, wire.ModelService)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


def model_online(deployed: wire.Model, timeout: float) -> Flow[wire.Model]:
    """The model when it is ONLINE; an error with its own reason when it cannot be."""

    def look() -> Flow[wire.Model]:
        return send(wire.GET, wire.ModelReference(model=str(deployed.id)))

    return _until_online(deployed, look, lambda model: model, timeout)


def service_online(use_case: str, attached: wire.ModelService, timeout: float) -> Flow[wire.ModelService]:
    """The attached model when it is ONLINE as the use case sees it; an error with its own reason otherwise."""

    def look() -> Flow[wire.ModelService]:
        found = yield from send(use_cases.GET, use_cases.UseCaseReference(use_case=use_case))
        for service in found.model_services:
            if service.model.id == attached.model.id:
                return service
        raise TropismError(f"The model {attached.model.key!r} was detached while it was starting.")

    return _until_online(attached, look, lambda service: service.model, timeout)


def _until_online(
    first: T, look: Callable[[], Flow[T]], model_of: Callable[[T], wire.Model], timeout: float
) -> Flow[T]:
    began: float = yield Now()
    seen, pause = first, FIRST_PAUSE
    while seen.online != "ONLINE":
        model = model_of(seen)
        if "ERROR" in (seen.online, model.online):
            raise TropismError(f"The model {model.key!r} could not be started: {model.error or 'no reason was given'}.")
        now: float = yield Now()
        if now - began >= timeout:
            raise APITimeoutError(
                f"The model {model.key!r} is still {seen.online} after {timeout:g} seconds. It goes on starting; "
                f"`models.get({model.key!r})` tells its state, and `wait_timeout` sets how long to wait."
            )
        yield Sleep(min(pause, timeout))
        pause = min(pause * 1.5, LONGEST_PAUSE)
        seen = yield from look()
    return seen

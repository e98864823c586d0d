"""Which jobs were not heard of for too long, by this process's own watch: a machine's clock may be set meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tropism.server.domains.jobs.states import Beat


class Silences:
    """Since when each beat is the last one that was seen."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since: dict[Beat, float] = {}

    def longer_than(self, seconds: float, last: Iterable[Beat]) -> list[Beat]:
        """Those of the `last` beats that were the last ones so long ago already."""
        now = self._monotonic()
        self._since = {beat: self._since.get(beat, now) for beat in last}
        return [beat for beat, since in self._since.items() if now - since > seconds]

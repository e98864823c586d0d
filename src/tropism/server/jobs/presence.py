"""Which workers of a pool are there, by this process's own watch: a machine's clock may be set meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Presence:
    """When each worker gave its last sign, in seconds of a clock that nobody sets."""

    def __init__(self, monotonic: Callable[[], float], gone_seconds: float) -> None:
        self._monotonic, self._gone = monotonic, gone_seconds
        self._signs: dict[str, int] = {}
        self._heard: dict[str, float] = {}
        self._looked = float("-inf")

    def alive(self, signs: Mapping[str, int], now_ms: int) -> set[str]:
        """Who gave a sign not long ago. At the first look, who seems gone has half of the time left to give one."""
        now = self._monotonic()
        if now - self._looked > self._gone:  # who was heard meanwhile, and when, is not known
            self._signs, self._heard = {}, {}
        for name, at_ms in signs.items():
            if name not in self._signs:
                self._heard[name] = now - min(abs(now_ms - at_ms) / 1000, self._gone / 2)
            elif at_ms != self._signs[name]:
                self._heard[name] = now
        self._signs, self._looked = dict(signs), now
        return {name for name, at_ms in signs.items() if at_ms and now - self._heard[name] < self._gone}

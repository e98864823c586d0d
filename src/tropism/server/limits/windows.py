"""The minutes, days and months that limits count in: those of the clock, in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

from tropism.wire.limits import Measure, Period

BILLION = 1_000_000_000
_NAMES: dict[Measure, str] = {"requests": "requests", "tokens": "tokens", "usd": "US dollars"}


def begin(period: Period, now: datetime) -> datetime:
    """When the present one began."""
    minute = now.replace(second=0, microsecond=0)
    if period == "minute":
        return minute
    day = minute.replace(hour=0, minute=0)
    return day if period == "day" else day.replace(day=1)


def end(period: Period, now: datetime) -> datetime:
    """When the next one begins."""
    began = begin(period, now)
    if period == "month":
        return (began + timedelta(days=32)).replace(day=1)
    return began + (timedelta(minutes=1) if period == "minute" else timedelta(days=1))


def to_units(measure: Measure, amount: float) -> int:
    """Whole numbers add up exactly, in any order: dollars are kept as billionths."""
    return round(amount * BILLION) if measure == "usd" else int(amount)


def from_units(measure: Measure, units: int) -> float:
    return units / BILLION if measure == "usd" else float(units)


def told(measure: Measure, units: int) -> str:
    """An amount as people read it, such as `60 requests`."""
    return f"{from_units(measure, units):.12g} {_NAMES[measure]}"

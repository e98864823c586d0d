"""Intervals as bars on one scale, and numbers with as many digits as an interval of this width deserves."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, log10

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from tropism.wire.ab_tests import Interval

# start, line, middle, end, the mark outside of the interval and inside
LINES, PLAIN_LINES = "├─●┤┊┼", "|-o|:+"
MOST_DECIMALS = 9


class Bar:
    """One interval, drawn between the least and the greatest value of all; `mark` is a value to compare it with."""

    def __init__(self, interval: Interval | None, low: float, high: float, style: str, mark: float | None = None):
        self.interval, self.low, self.high, self.style, self.mark = interval, low, high, style, mark

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.drawn(options.max_width, signs(options)), self.style, no_wrap=True, overflow="crop")

    def drawn(self, width: int, signs: str = LINES) -> str:
        if self.interval is None:
            return "not enough feedback yet"[:width].ljust(width)
        first, middle, last = (self._column(value, width) for value in ends(self.interval))
        line = [" "] * width
        line[first : last + 1] = signs[1] * (last + 1 - first)
        if self.mark is not None:
            column = self._column(self.mark, width)
            line[column] = signs[5] if first <= column <= last else signs[4]
        line[first], line[last], line[middle] = signs[0], signs[3], signs[2]
        return "".join(line)

    def _column(self, value: float, width: int) -> int:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(min(max(share, 0.0), 1.0) * (width - 1))


class Axis:
    """The least value at the left, the greatest at the right."""

    def __init__(self, low: float, high: float) -> None:
        self.left, self.right = number(low, high - low), number(high, high - low)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        gap = max(1, options.max_width - len(self.left) - len(self.right))
        yield Text(f"{self.left}{' ' * gap}{self.right}", "dim", no_wrap=True)


def signs(options: ConsoleOptions) -> str:
    return LINES if options.encoding.startswith("utf") else PLAIN_LINES


def scale(intervals: Iterable[Interval | None], *marks: float) -> tuple[float, float]:
    """One scale for all bars, or they could not be compared."""
    values = [end for interval in intervals if interval for end in ends(interval)]
    return (min(*values, *marks), max(*values, *marks)) if values else (0.0, 1.0)


def ends(interval: Interval) -> tuple[float, float, float]:
    return interval.start, interval.middle, interval.end


def figures(interval: Interval | None) -> RenderableType:
    """An interval in numbers."""
    if interval is None:
        return Text("-", "dim")
    width = interval.end - interval.start
    start, middle, end = (number(value, width) for value in ends(interval))
    return Text(f"{middle} ({start} to {end})")


def number(value: float, width: float) -> str:
    """A number to two digits of the width that it belongs to."""
    if not 1e-6 < width < 1e6 or abs(value) >= 1e6:
        return f"{value:.3g}"
    decimals = min(max(0, 1 - floor(log10(width))), MOST_DECIMALS)
    shown = f"{value:,.{decimals}f}"
    return shown.removeprefix("-") if float(shown.replace(",", "")) == 0 else shown

"""How an A/B test's figures came to be: a panel per variant, side by side on one scale, over feedbacks."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from tropism.cli.ab_bars import number
from tropism.cli.show import one_line
from tropism.wire.ab_tests import ABTest, Interval, Look

# band, middle, the corner and the lines of the axes
SIGNS, PLAIN_SIGNS = ("░", "●", "└", "─", "│"), (":", "o", "+", "-", "|")
Signs = tuple[str, str, str, str, str]
HEIGHT = 9
LEAST_WIDTH, GAP = 16, 2
COLOURS = ("cyan", "magenta", "yellow", "blue", "green")

Point = tuple[int, Interval]


class Plot:
    """The intervals of every variant over the feedbacks of the test, whose axis is logarithmic as the looks are.

    The scale is that of the second half, so that the wide intervals of the first looks are cut off above and below.
    """

    def __init__(self, test: ABTest, looks: Sequence[Look]) -> None:
        now = [variant.interval for variant in test.report.variants]
        seen = [*((look.feedbacks, look.intervals) for look in looks), (test.report.feedbacks, now)]
        self.names = [one_line(variant.variant) for variant in test.report.variants]
        self.points: list[list[Point]] = [
            [(feedbacks, here[i]) for feedbacks, here in seen if i < len(here) and here[i]]  # type: ignore[misc]
            for i in range(len(self.names))
        ]

    @property
    def is_empty(self) -> bool:
        return not all(self.points)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.is_empty:
            return
        signs = SIGNS if options.encoding.startswith("utf") else PLAIN_SIGNS
        low, high = self._scale()
        left = max(len(number(end, high - low)) for end in (low, high))
        at_once = max(1, (options.max_width - left) // (LEAST_WIDTH + GAP))
        for first in range(0, len(self.names), at_once):
            shown = range(first, min(first + at_once, len(self.names)))
            width = (options.max_width - left) // min(at_once, len(self.names)) - GAP
            yield from self._row_of_panels(shown, width, left, (low, high), signs)

    def _row_of_panels(
        self, shown: Sequence[int], width: int, left: int, scale: tuple[float, float], signs: Signs
    ) -> RenderResult:
        band, middle, corner, line, upright = signs
        columns = [drawn(self.points[i], width, scale, band, middle) for i in shown]
        yield _joined(left, "", [(f" {self.names[i][:width]:<{width}}", f"bold {_colour(i)}") for i in shown])
        for row in range(HEIGHT):
            label = {0: scale[1], HEIGHT - 1: scale[0]}.get(row)
            text = "" if label is None else number(label, scale[1] - scale[0])
            cells = ["".join(column[row] for column in panel) for panel in columns]
            yield _joined(left, text, [(f"{upright}{cell}", _colour(i)) for i, cell in zip(shown, cells, strict=True)])
        yield _joined(left, "", [(corner + line * width, "dim") for _ in shown])
        yield _joined(left, "", [(f" {self._counts(i, width)}", "dim") for i in shown])

    def _counts(self, variant: int, width: int) -> str:
        first, last = f"{self.points[variant][0][0]:,}", f"{self.points[variant][-1][0]:,}"
        return f"{first}{last:>{max(width - len(first), len(last) + 1)}}"

    def _scale(self) -> tuple[float, float]:
        """From the least to the greatest of all intervals in the second half of the columns."""
        late = [each for points in self.points for each in spread(points, 20)[10:]]
        low, high = min(each.start for each in late), max(each.end for each in late)
        return (low, high) if high > low else (low - 0.5, high + 0.5)


def spread(points: Sequence[Point], columns: int) -> list[Interval]:
    """The interval that was shown at each of so many steps, from the first look to the last."""
    start, end = log(max(points[0][0], 1)), log(max(points[-1][0], 1))
    steps = [exp(start + (end - start) * (column + 1) / columns) + 1e-6 for column in range(columns)]
    return [[interval for feedbacks, interval in points if feedbacks <= max(step, points[0][0])][-1] for step in steps]


def drawn(points: Sequence[Point], width: int, scale: tuple[float, float], band: str, middle: str) -> list[list[str]]:
    """One panel, column by column, each from the top down."""
    return [_column(interval, scale, band, middle) for interval in spread(points, width)]


def _column(interval: Interval, scale: tuple[float, float], band: str, middle: str) -> list[str]:
    top, centre, bottom = (_row(value, scale) for value in (interval.end, interval.middle, interval.start))
    column = [band if top <= row <= bottom else " " for row in range(HEIGHT)]
    if 0 <= centre < HEIGHT:
        column[centre] = middle
    return column


def _row(value: float, scale: tuple[float, float]) -> int:
    """The row of a value, which may lie above or below the panel."""
    share = (value - scale[0]) / (scale[1] - scale[0])
    return round((1 - min(max(share, -2.0), 3.0)) * (HEIGHT - 1))


def _joined(left: int, label: str, parts: Sequence[tuple[str, str]]) -> Text:
    line = Text(f"{label:>{left}}", "dim", no_wrap=True, overflow="crop")
    for text, style in parts:
        line.append(" ").append(text, style)
    return line


def _colour(variant: int) -> str:
    return COLOURS[variant % len(COLOURS)]

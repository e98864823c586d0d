"""An A/B test in the terminal: each variant's interval as a bar on one scale, and what it all means."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from tropism.cli import show
from tropism.wire.ab_tests import ABTest, Interval, VariantReport

# start, line, middle, end
LINES, PLAIN_LINES = "├─●┤", "|-o|"


def picture(test: ABTest) -> RenderableType:
    """The whole report."""
    report = test.report
    facts = {
        "A/B test": Text.assemble(test.key, "  ", show.cell(test.status)),
        "On": f"{test.feedback_key} ({test.feedback_type}) of {test.use_case}, {test.traffic_split:.0%} of traffic",
        "Since": _dates(test),
        "p-value": None if report.p_value is None else f"{report.p_value:.4f}",
        "Winner": report.winner and Text(report.winner, "bold green"),
    }
    summary = Text(show.printable(report.summary), "bold")
    return Group(show.record(facts), Text(), _variants(report.variants, report.winner), Text(), summary)


class Bar:
    """One interval, drawn between the least and the greatest value of all."""

    def __init__(self, interval: Interval | None, low: float, high: float, style: str) -> None:
        self.interval, self.low, self.high, self.style = interval, low, high, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        signs = LINES if options.encoding.startswith("utf") else PLAIN_LINES
        yield Text(self.drawn(options.max_width, signs), self.style, no_wrap=True, overflow="crop")

    def drawn(self, width: int, signs: str = LINES) -> str:
        if self.interval is None:
            return "not enough feedback yet"[:width].ljust(width)
        first, middle, last = (self._column(value, width) for value in _ends(self.interval))
        line = [" "] * width
        line[first : last + 1] = signs[1] * (last + 1 - first)
        line[first], line[last], line[middle] = signs[0], signs[3], signs[2]
        return "".join(line)

    def _column(self, value: float, width: int) -> int:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(min(max(share, 0.0), 1.0) * (width - 1))


def _variants(variants: list[VariantReport], winner: str | None) -> Table:
    low, high = _scale(variants)
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0), expand=True)
    made.add_column("Variant", overflow="fold", max_width=20)
    made.add_column(_axis(low, high), ratio=1, min_width=24)
    made.add_column("Mean (95 %)", no_wrap=True)
    made.add_column("Values", justify="right", no_wrap=True)
    for variant in variants:
        style = "green" if variant.variant == winner else "cyan"
        bar = Bar(variant.interval, low, high, style)
        made.add_row(show.cell(variant.variant), bar, _figures(variant.interval), show.cell(variant.feedbacks))
    return made


def _scale(variants: list[VariantReport]) -> tuple[float, float]:
    """One scale for all bars, or they could not be compared."""
    ends = [end for variant in variants if variant.interval for end in _ends(variant.interval)]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.start, interval.middle, interval.end


class _Axis:
    """The least value at the left, the greatest at the right."""

    def __init__(self, low: float, high: float) -> None:
        self.left, self.right = f"{low:.3g}", f"{high:.3g}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        gap = max(1, options.max_width - len(self.left) - len(self.right))
        yield Text(f"{self.left}{' ' * gap}{self.right}", "dim", no_wrap=True)


def _axis(low: float, high: float) -> RenderableType:
    return _Axis(low, high)


def _figures(interval: Interval | None) -> Text:
    if interval is None:
        return Text("–", "dim")
    return Text(f"{interval.middle:.3g} ({interval.start:.3g} to {interval.end:.3g})")


def _dates(test: ABTest) -> str:
    begin, end = test.report.begin_date, test.report.end_date
    since = f"{begin.astimezone():%Y-%m-%d %H:%M}"
    return since if end is None else f"{since}, until {end.astimezone():%Y-%m-%d %H:%M}"

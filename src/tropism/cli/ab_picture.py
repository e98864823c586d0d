"""An A/B test in the terminal: where it stands, how it came there, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tropism.cli import show
from tropism.cli.ab_bars import Axis, Bar, figures, scale
from tropism.cli.ab_plot import Plot
from tropism.cli.ab_words import OUTCOMES, assumption
from tropism.wire.ab_tests import ABReport, ABTest, Look, VariantComparison, VariantReport

NAME = 24
"""The width of a column of names."""


def picture(test: ABTest) -> RenderableType:
    """Where the test stands: each variant, each pair, and all of it in one sentence."""
    return Group(*_spaced([*_standing(test), _summary(test)]))


def whole_picture(test: ABTest, looks: Sequence[Look]) -> RenderableType:
    """All that is known: how the figures came to be and what they rest on, too."""
    plot = Plot(test, looks)
    parts = _standing(test)
    if not plot.is_empty:
        title = Text("How the intervals came to be, over the number of feedbacks", "bold")
        parts.append(Group(title, plot))
    parts.append(_checks(test))
    if test.report.assumptions:
        parts.append(_assumptions(test.report))
    return Group(*_spaced([*parts, _summary(test)]))


def _standing(test: ABTest) -> list[RenderableType]:
    parts = (_facts(test), _variants(test.report), _pairs(test), _guardrails(test.report))
    return [part for part in parts if part is not None]


def _summary(test: ABTest) -> Text:
    return Text(show.printable(test.report.summary), "bold")


def _spaced(parts: Sequence[RenderableType]) -> Iterator[RenderableType]:
    """The parts with a line between them."""
    for at, part in enumerate(parts):
        if at:
            yield Text()
        yield part


def _facts(test: ABTest) -> RenderableType:
    report = test.report
    return show.record(
        {
            "A/B test": Text.assemble(show.printable(test.key), "  ", show.cell(test.status)),
            "On": f"{test.feedback_key} ({test.feedback_type}) of {test.use_case}, {test.traffic_split:.0%} of traffic",
            "Since": _dates(test),
            "p-value": None if report.p_value is None else f"{report.p_value:.4f}",
            "Winner": report.winner and Text(show.printable(report.winner), "bold green"),
            "Ended": report.outcome and f"{report.outcome}: {OUTCOMES[report.outcome]}",
        }
    )


def _table(*headers: tuple[str | RenderableType, int]) -> Table:
    """A table as wide as the terminal: a name, a bar that takes what is left, figures. Widths of 0 are free."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0), expand=True)
    for at, (header, width) in enumerate(headers):
        if at == 0:
            made.add_column(header, overflow="fold", max_width=width)
        elif width:
            made.add_column(header, ratio=1, min_width=width)
        else:
            made.add_column(header, no_wrap=True, justify="right" if at > 2 else "left")
    return made


def _variants(report: ABReport) -> Table:
    low, high = scale(variant.interval for variant in report.variants)
    made = _table(("Variant", NAME), (Axis(low, high), 20), ("Mean (95 %)", 0), ("Values", 0))
    for variant in report.variants:
        bar = Bar(variant.interval, low, high, "green" if variant.variant == report.winner else "cyan")
        made.add_row(show.cell(variant.variant), bar, figures(variant.interval), f"{variant.feedbacks:,}")
    return made


def _pairs(test: ABTest) -> Table | None:
    """Each pair once: a later variant against an earlier one, in green if the interval excludes "no difference"."""
    is_metric = test.feedback_type == "metric"
    none = 0.0 if is_metric else 0.5
    seen = [
        (later.variant, comparison)
        for earlier, later in combinations(test.report.variants, 2)
        for comparison in later.comparisons
        if comparison.variant == earlier.variant and comparison.difference is not None
    ]
    if not seen:
        return None
    low, high = scale((comparison.difference for _, comparison in seen), none)
    what = ("Difference", "Lift") if is_metric else ("Win rate", "Won/lost/tied")
    made = _table(("Pair", NAME), (Axis(low, high), 12), (what[0], 0), (what[1], 0))
    for variant, comparison in seen:
        style = "green" if _is_decided(comparison, none) else "cyan"
        bar = Bar(comparison.difference, low, high, style, mark=none)
        made.add_row(
            _versus(variant, comparison.variant),
            bar,
            figures(comparison.difference),
            _lift(comparison) if is_metric else _won(comparison),
        )
    return made


def _versus(variant: str, other: str) -> Text:
    is_short = len(variant) + len(other) + 4 <= NAME
    return Text.assemble(show.cell(variant), (" vs " if is_short else "\nvs ", "dim"), show.cell(other))


def _is_decided(comparison: VariantComparison, none: float) -> bool:
    interval = comparison.difference
    return interval is not None and not interval.start <= none <= interval.end


def _lift(comparison: VariantComparison) -> str:
    return "-" if comparison.lift is None else f"{100 * comparison.lift:+.1f} %"


def _won(comparison: VariantComparison) -> str:
    return f"{comparison.wins}/{comparison.losses}/{comparison.ties_good + comparison.ties_bad}"


def _guardrails(report: ABReport) -> Table | None:
    if not report.guardrails:
        return None
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("Guardrail", "Variant"):
        made.add_column(name, overflow="fold")
    for name in ("Worse by", "At least", "Allowed"):
        made.add_column(name, justify="right")
    made.add_column("")
    for each in report.guardrails:
        figures = [show.cell(value) for value in (each.worsening, each.at_least, each.tolerance)]
        unknown = Text("not known yet" if each.worsening is None else "holds", "dim")
        said = Text("breached", "bold red") if each.breached else unknown
        row = (show.cell(each.metric), show.cell(each.variant), *figures, said)
        made.add_row(*row, style="red" if each.breached else "")
    return made


def _checks(test: ABTest) -> RenderableType:
    """The split, how far the test is, what failed, and what shadow answers cost."""
    report = test.report
    units = " : ".join(f"{variant.assigned_units:,}" for variant in report.variants)
    alarm = Text("\nbroken: something sorts the users, so unlike groups are compared", "bold red")
    answered = " : ".join(f"{variant.units:,}" for variant in report.variants)
    uneven = report.feedback_ratio is not None and report.feedback_ratio.alarm
    errors = [_errors(variant) for variant in report.variants if variant.errors]
    shadow = report.shadow
    return show.record(
        {
            "Split": Text.assemble(
                f"{units} users, sessions or requests, even shares wanted", alarm if report.sample_ratio.alarm else ""
            ),
            "Answered": Text(f"{answered} of them: some variant's users answer less often, or later", "red")
            if uneven
            else None,
            "Progress": _progress(test),
            "Errors": Text(", ".join(errors), "red") if errors else "",
            "Shadow": f"{shadow.completions:,} answers in the background, {shadow.prompt_tokens:,} prompt and "
            f"{shadow.completion_tokens:,} completion tokens{_dollars(shadow.cost_usd)}"
            if shadow.completions
            else None,
        }
    )


def _errors(variant: VariantReport) -> str:
    answered = f" ({variant.fallbacks:,} answered by a fallback)" if variant.fallbacks else ""
    return f"{show.printable(variant.variant)}: {variant.errors:,}{answered}"


def _dollars(cost: float | None) -> str:
    return "" if cost is None else f", {cost:.3g} USD"


def _progress(test: ABTest) -> str | None:
    if test.report.progress is None or test.report.end_date is not None:
        return None
    maximum = f"{test.report.progress:.1%} of at most {test.max_feedbacks:,} per variant"
    return f"{maximum}, until {test.expires_at.astimezone():%Y-%m-%d}"


def _assumptions(report: ABReport) -> RenderableType:
    made = Table.grid(padding=(0, 1))
    for name in report.assumptions:
        made.add_row("-", show.printable(assumption(name)))
    return Group(Text("What the figures rest on", "bold"), made)


def _dates(test: ABTest) -> str:
    begin, end = test.report.begin_date, test.report.end_date
    since = f"{begin.astimezone():%Y-%m-%d %H:%M}"
    return since if end is None else f"{since}, until {end.astimezone():%Y-%m-%d %H:%M}"

"""An evaluation in the terminal: scores as bars, differences in words, verdicts with their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tropism.cli import show
from tropism.cli.ab_bars import Axis, Bar, figures, scale
from tropism.wire import evaluation as wire
from tropism.wire.ab_tests import Interval

NAME = 24
"""The width of a column of names."""
STYLES = {"better": "green", "worse": "red", "undecided": "cyan"}


def picture(job: wire.EvaluationJob, with_facts: bool = False) -> RenderableType:
    """The report, below the job's own facts if they are wanted."""
    parts: list[RenderableType] = [_facts(job)] if with_facts else []
    if job.report is not None:
        parts += _report(job, job.report)
    return Group(*_spaced(parts))


def _report(job: wire.EvaluationJob, report: wire.EvaluationReport) -> list[RenderableType]:
    parts: list[RenderableType] = [_scores(job, report)]
    if report.comparisons:
        parts.append(_differences(report))
    if report.usage:
        parts.append(_usage(report))
    if report.partial:
        parts.append(Text(f"Partial: the job is {job.status}.", "yellow"))
    return [*parts, Text(show.printable(report.summary), "bold")]


def _spaced(parts: Sequence[RenderableType]) -> Iterator[RenderableType]:
    for at, part in enumerate(parts):
        if at:
            yield Text()
        yield part


def _facts(job: wire.EvaluationJob) -> RenderableType:
    stages = [f"{stage.name}: {stage.processed}/{stage.total or '?'} {stage.status}" for stage in job.stages]
    return show.record(
        {
            "Evaluation": job.id,
            "Name": job.name,
            "Method": f"{job.method}, by {job.judge_model}, logged as {job.feedback_key}",
            "Models": job.models,
            "Status": job.status,
            "Stages": Text("\n".join(stages)),
            "Error": job.error and Text(show.printable(job.error), "red"),
            "Estimate": estimate_line(job.estimate),
        }
    )


def _table(*headers: tuple[str | RenderableType, int]) -> Table:
    """A name, a bar that takes what is left, figures."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0), expand=True)
    for at, (header, width) in enumerate(headers):
        if at == 0:
            made.add_column(header, overflow="fold", max_width=width)
        elif width:
            made.add_column(header, ratio=1, min_width=width)
        else:
            made.add_column(header, no_wrap=True, justify="right" if at > 2 else "left")
    return made


def _scores(job: wire.EvaluationJob, report: wire.EvaluationReport) -> RenderableType:
    made = _table(("Model", NAME), (Axis(0.0, 1.0), 12), ("Mean (95 %)", 0), ("n", 0), ("Abst.", 0), ("Failed", 0))
    for model in report.models:
        interval = _interval(model.score)
        bar = Bar(interval, 0.0, 1.0, "cyan")
        counts = (f"{count:,}" for count in (model.feedbacks, model.abstained, model.failed))
        made.add_row(show.cell(model.model or "(none named)"), bar, figures(interval), *counts)
    return Group(Text(show.printable(f"{job.feedback_key}, judged by {job.judge_model}"), "dim"), made)


def _differences(report: wire.EvaluationReport) -> RenderableType:
    intervals = [_interval(each.difference) for each in report.comparisons]
    low, high = scale(intervals, 0.0)
    made = _table(("Pair", NAME), (Axis(low, high), 12), ("Difference (95 %)", 0), ("Pairs", 0))
    for each, interval in zip(report.comparisons, intervals, strict=True):
        bar = Bar(interval, low, high, STYLES[each.verdict], mark=0.0)
        names = Text.assemble(show.cell(each.model or "-"), ("\nless ", "dim"), show.cell(each.other or "-"))
        made.add_row(names, bar, figures(interval), f"{each.pairs:,}")
    return made


def _usage(report: wire.EvaluationReport) -> RenderableType:
    rows = [
        (each.model, each.purpose, f"{each.calls:,}", f"{each.prompt_tokens:,}", f"{each.completion_tokens:,}")
        + ("-" if each.cost_usd is None else f"{each.cost_usd:.3g}",)
        for each in report.usage
    ]
    return show.table(["Used", "To", ">Calls", ">Tokens read", ">written", ">USD"], rows, "")


def _interval(found: wire.ScoreInterval | None) -> Interval | None:
    return Interval(start=found.start, middle=found.middle, end=found.end) if found else None


def estimate_line(expected: wire.EvaluationEstimate) -> str:
    """An estimate in one line."""
    tokens = expected.prompt_tokens + expected.completion_tokens
    money = "" if expected.cost_usd is None else f", about {expected.cost_usd:.3g} USD"
    answers = f"{expected.replay_calls:,} answers and " if expected.replay_calls else ""
    calls = f"{answers}{expected.judge_calls:,} questions to the judge"
    return f"{expected.samples:,} samples, about {calls}, {tokens:,} tokens{money}"


def estimate_picture(expected: wire.EvaluationEstimate) -> RenderableType:
    """An estimate as people read it."""
    return show.record(
        {
            "Samples": f"{expected.samples:,}",
            "Answers to get": f"{expected.replay_calls:,}",
            "Questions to the judge": f"about {expected.judge_calls:,}",
            "Tokens": f"about {expected.prompt_tokens:,} read, {expected.completion_tokens:,} written",
            "Cost": "no model has prices" if expected.cost_usd is None else f"about {expected.cost_usd:.3g} USD",
        }
    )


def samples_picture(samples: Sequence[wire.EvaluatedSample]) -> RenderableType:
    """Verdicts one below the other, each with what it rests on."""
    if not samples:
        return Text("No verdicts match.", "dim")
    return Group(*_spaced([_sample(each) for each in samples]))


def _sample(found: wire.EvaluatedSample) -> RenderableType:
    verdict = found.status if found.score is None else f"{found.score:.2f}"
    head = Text.assemble(
        (f"{found.number}", "bold"), f"  {show.printable(found.model or '-')}  ", (verdict, "bold cyan")
    )
    marks = {True: ("+", "green"), False: ("-", "red"), None: ("?", "dim")}
    parts = [
        Text.assemble("  ", marks[part.holds], f" {show.one_line(': '.join(filter(None, (part.text, part.reason))))}")
        for part in found.parts
    ]
    asked = found.messages[-1].text if found.messages else ""
    lines = [Text(f"  asked: {show.one_line(asked)}", "dim", overflow="ellipsis", no_wrap=True)]
    lines.append(Text(f"  said:  {show.one_line(found.completion or '-')}", "dim", overflow="ellipsis", no_wrap=True))
    return Group(head, *lines, Text(f"  {show.one_line(found.reason or '')}"), *parts)

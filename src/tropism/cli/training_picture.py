"""A training in the terminal: its facts, where it is, and its curves as one line of blocks each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tropism.cli import show
from tropism.wire import training as wire

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 40
CURVES = ("loss", "reward", "kl", "learning_rate")


def picture(job: wire.TrainingJob) -> RenderableType:
    """All of a training."""
    parts: list[RenderableType] = [_facts(job)]
    if curves := list(_curves(job)):
        parts += [Text(), _table(curves)]
    return Group(*parts)


def line(job: wire.TrainingJob) -> str:
    """How far it is, in one line."""
    stages = ", ".join(f"{stage.name} {stage.processed}/{stage.total or '?'}" for stage in job.stages)
    now = job.progress
    if job.status != "RUNNING" or now is None:
        return f"{job.status}: {stages}"
    given = [f"{name} {value:.4g}" for name in ("loss", "reward", "kl") if (value := getattr(now, name)) is not None]
    return f"{job.status}: {stages}; {', '.join(given)}{_rest(now)}"


def sparkline(values: Sequence[float], width: int = WIDTH) -> str:
    """Values as blocks, the lowest as the lowest; of many values, the mean of those that share a block."""
    if not values:
        return ""
    width = min(width, len(values))
    edges = [round(at * len(values) / width) for at in range(width + 1)]
    means = [sum(values[low:high]) / (high - low) for low, high in zip(edges, edges[1:], strict=False)]
    low, span = min(means), max(means) - min(means)
    return "".join(BLOCKS[round((mean - low) / span * (len(BLOCKS) - 1)) if span else 0] for mean in means)


def _facts(job: wire.TrainingJob) -> RenderableType:
    told = job.config.training_config
    stages = [f"{stage.name}: {stage.processed}/{stage.total or '?'} {stage.status}" for stage in job.stages]
    now = job.progress
    return show.record(
        {
            "Training": job.id,
            "Name": job.name,
            "Model": job.model,
            "Method": f"{told.training_metadata.alignment_method}, {told.training_metadata.training_type}",
            "Status": job.status,
            "Stages": Text("\n".join(stages)),
            "Step": now and f"{now.step} of {now.total} ({now.part}){_rest(now) if job.status == 'RUNNING' else ''}",
            "Checkpoints": ", ".join(f"{each.part} {each.step}" for each in job.checkpoints),
            "Child": job.output_model,
            "Error": job.error and Text(show.printable(job.error), "red"),
        }
    )


def _rest(now: wire.TrainingProgress) -> str:
    """How long, how fast, how large."""
    said = "" if now.eta_seconds is None else f"; {now.eta_seconds:.0f} s left"
    said += "" if now.tokens_per_second is None else f", {now.tokens_per_second:.0f} tokens/s"
    return said + ("" if now.memory_bytes is None else f", {now.memory_bytes / 2**30:.1f} GiB")


def _curves(job: wire.TrainingJob) -> Iterator[tuple[str, list[float]]]:
    for part in dict.fromkeys(each.part for each in job.curve):
        steps = [each for each in job.curve if each.part == part]
        for name in CURVES:
            values = [value for each in steps if (value := getattr(each, name)) is not None]
            if values:
                yield f"{part} {name}", values
        losses = [each.loss for each in job.validations if each.part == part and each.loss is not None]
        if losses:
            yield f"{part} validation", losses


def _table(curves: Sequence[tuple[str, list[float]]]) -> RenderableType:
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header in ("Curve", "", "First", "Last"):
        made.add_column(header, no_wrap=True)
    for name, values in curves:
        made.add_row(name, Text(sparkline(values), "cyan"), f"{values[0]:.4g}", f"{values[-1]:.4g}")
    return made

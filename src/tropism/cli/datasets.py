"""`tropism datasets`: prompts, completions, feedback and preferences, kept for evaluation and training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.sdk.inputs import InteractionFilterDict
from tropism.wire import datasets as wire
from tropism.wire.interactions import Source

app = App(name="datasets", help="Prompts, completions, feedback and preferences, kept for evaluation and training.")


@app.command
def upload(file: Path, key: str, *, name: str | None = None, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """Upload a file of JSON lines. If it is broken off, the same command goes on where it stopped.

    Parameters
    ----------
    file
        One JSON object on each line.
    key
        A short name: letters, digits, dots, dashes and underscores.
    name
        What people read; the key if not given.
    """
    with engine.client() as client, _progress() as on_progress:
        made = client.datasets.upload(file, key, name, on_progress=on_progress, use_case=use_case)
    show.answer(engine, made, lambda: _picture(made))


@app.command(name="list")
def list_(*, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """List the datasets of a use case, the newest first."""
    with engine.client() as client:
        found = client.datasets.list(use_case=use_case)
    rows = [(each.key, each.kind, each.lines, _size(each.bytes), each.source, each.created_at) for each in found]
    columns = ["Key", "Kind", ">Lines", ">Size", "Source", "Created"]
    show.answer(engine, found, lambda: show.table(columns, rows, "No datasets. `tropism datasets upload FILE KEY`."))


@app.command
def get(dataset: str, *, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """Show what is known of a dataset."""
    with engine.client() as client:
        found = client.datasets.get(dataset, use_case=use_case)
    show.answer(engine, found, lambda: _picture(found))


@app.command
def preview(dataset: str, *, first: int = 5, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """Show the first lines of a dataset.

    Parameters
    ----------
    first
        How many, at most 100.
    """
    with engine.client() as client:
        found = client.datasets.preview(dataset, first, use_case=use_case)
    show.answer(engine, found, lambda: Group(*(_line(number, line) for number, line in enumerate(found, 1))))


@app.command
def download(dataset: str, file: Path, *, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """Write a dataset to a file as JSON lines, or as Parquet if the file's name ends in `.parquet`.

    Parameters
    ----------
    file
        Where to; a file that is there is replaced.
    """
    with engine.client() as client:
        format: Literal["jsonl", "parquet"] = "parquet" if file.suffix == ".parquet" else "jsonl"
        found = client.datasets.download(dataset, file, format, use_case=use_case)
    show.answer(engine, found, lambda: Text(f"{found.lines} lines are in {file}."))


@app.command
def delete(dataset: str, *, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """Delete a dataset and its file."""
    with engine.client() as client:
        client.datasets.delete(dataset, use_case=use_case)
    show.answer(engine, {}, lambda: Text(f"{dataset} is deleted."))


@app.command
def from_interactions(
    key: str,
    *,
    name: str | None = None,
    model: Annotated[list[str] | None, Parameter(negative="")] = None,
    label: Annotated[dict[str, str] | None, Parameter(negative="")] = None,
    metric: str | None = None,
    source: Annotated[list[Source] | None, Parameter(negative="")] = None,
    preferences: str | None = None,
    use_case: UseCase,
    engine: Engine = DEFAULT,
) -> None:
    """Keep logged completions and their feedback as a dataset that does not change with the log.

    Parameters
    ----------
    key
        A short name: letters, digits, dots, dashes and underscores.
    name
        What people read; the key if not given.
    model
        Only answers of this model; may be given more than once.
    label
        Only those with this label, as `--label.NAME VALUE`.
    metric
        Only those with feedback of this key.
    source
        Only those that came this way.
    preferences
        Take the pairs that were compared under this key instead.
    """
    filters: InteractionFilterDict = {}
    if model:
        filters["models"] = model
    if label:
        filters["labels"] = [{"key": name, "value": [value]} for name, value in label.items()]
    if metric:
        filters["feedbacks"] = [{"metric": metric}]
    if source:
        filters["source"] = source
    with engine.client() as client, show.waiting("Reading the log"):
        made = client.datasets.from_interactions(key, filters, name, preferences=preferences, use_case=use_case)
    show.answer(engine, made, lambda: _picture(made))


@app.command
def generate(
    file: Path,
    key: str,
    *,
    model: str,
    questions: int = 10,
    answers: bool = True,
    name: str | None = None,
    use_case: UseCase,
    engine: Engine = DEFAULT,
) -> None:
    """Let a model write questions about the text of a file, as a job; `tropism jobs watch` shows how far it is.

    Parameters
    ----------
    file
        A text, or JSON lines with a `text` on each.
    key
        The key of the dataset that will be.
    model
        An attached model.
    questions
        How many.
    answers
        Let it write the answers, too.
    name
        What people read; the key if not given.
    """
    with engine.client() as client:
        job = client.datasets.generate(key, file, model, questions, answers=answers, name=name, use_case=use_case)
    show.answer(engine, job, lambda: Text(f"It is being made: tropism jobs watch {job.id}"))


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Something to tell of an upload: a bar in a terminal, a line for each step elsewhere; on stderr."""
    if not sys.stderr.isatty():
        yield _Steps().say
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("sending")
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


class _Steps:
    """Says each step once."""

    def __init__(self) -> None:
        self._last = ""

    def say(self, what: str, done: int, total: int) -> None:
        if what != self._last:
            show.note(f"{what} ({_size(total)})")
        self._last = what


def _picture(found: wire.Dataset) -> RenderableType:
    return show.record(
        {
            "Key": found.key,
            "Name": found.name,
            "Id": found.id,
            "Use case": found.use_case,
            "Kind": found.kind,
            "Lines": found.lines,
            "Size": _size(found.bytes),
            "Feedback": [f"{each.feedback_key} ({each.count})" for each in found.feedbacks],
            "Source": found.source,
            "Created": found.created_at,
        }
    )


def _line(number: int, line: wire.DatasetLine) -> RenderableType:
    said = [*(("document", text) for text in line.documents), *((turn.role, turn.text) for turn in line.messages)]
    answers = {
        "completion": line.completion,
        "preferred": line.preferred_completion,
        "other": line.other_completion,
        "key": line.feedback_key,
    }
    said += [(name, text) for name, text in answers.items() if text is not None]
    said += [(key, f"{value:g}") for key, value in line.feedbacks.items()]
    rows = [(Text(name, "bold"), show.one_line(text)) for name, text in said]
    return Group(Text(f"line {number}", "dim"), show.table(["", ""], rows, ""))


def _size(count: int) -> str:
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.4g} {unit}"

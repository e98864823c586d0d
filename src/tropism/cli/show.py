"""How answers look: tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console, RenderableType
from rich.status import Status
from rich.table import Table
from rich.text import Text

from tropism.cli.engine import Engine
from tropism.wire.tools import ToolCall

COLOURS = {
    "ONLINE": "green",
    "PENDING": "yellow",
    "OFFLINE": "dim",
    "ERROR": "red",
    "RUNNING": "cyan",
    "COMPLETED": "green",
    "FAILED": "red",
    "CANCELED": "dim",
    "in_progress": "cyan",
    "warmup": "yellow",
    "done": "green",
    "cancelled": "dim",
}
# What would move the cursor or talk to the terminal has no place in text that a model or another user wrote.
CONTROLS = {code: None for code in [*range(32), *range(127, 160)] if chr(code) not in "\n\t"}


def answer(engine: Engine, value: Any, picture: Callable[[], RenderableType]) -> None:
    """Print an answer the way that was asked for."""
    if engine.json:
        print_json(value)
    else:
        console().print(picture())


def console() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


def note(text: str) -> None:
    """Print beside the answer: on stderr, so that a pipe carries the answer alone."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(printable(text), "dim"))


def waiting(text: str) -> Status:
    """Something that moves while a command waits; on stderr, and only in a terminal."""
    return Console(stderr=True).status(text)


def call(made: ToolCall) -> str:
    """A call of a tool, as a programmer would write it."""
    return printable(f"{made.function.name}({made.function.arguments})")


def print_json(value: Any) -> None:
    write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def write(text: str) -> None:
    """Print as it is and at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def printable(text: str) -> str:
    return text.translate(CONTROLS)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> RenderableType:
    """A table that fits 80 columns. After `>` a column stands right, after `~` it may be cut, after `=` never."""
    cells = [[cell(value) for value in row] for row in rows]
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        made.add_column(
            column.lstrip(">~="),
            justify="right" if column.startswith(">") else "left",
            overflow="ellipsis" if column.startswith("~") else "fold",
            no_wrap=column.startswith(("~", "=")),
            min_width=max((len(row[place]) for row in cells), default=0) if column.startswith("=") else None,
        )
    for row in cells:
        made.add_row(*row)
    return made if made.row_count else Text(empty, "dim")


def record(fields: Mapping[str, object]) -> RenderableType:
    """One thing: its fields below each other; those that say nothing are left out."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in fields.items():
        if value is not None and value != "" and value != []:
            made.add_row(name, cell(value))
    return made


def cell(value: object) -> Text:
    match value:
        case Text():
            return value
        case None:
            return Text("-", "dim")
        case bool():
            return Text("yes" if value else "no")
        case float():
            return Text(f"{value:.4g}")
        case datetime():
            return Text(f"{value.astimezone():%Y-%m-%d %H:%M}")
        case list() | tuple():
            return Text(printable(", ".join(str(item) for item in value)))
        case _:
            text = printable(str(value))
            return Text(text, COLOURS.get(text, ""))


def one_line(text: str) -> str:
    return " ".join(printable(text).split())

"""`tropism costs`: what answers cost."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine
from tropism.wire import costs as wire

app = App(name="costs", help="What answers cost.")
NAMES = {"use_case": "Use case", "model": "Model", "api_key": "Key", "user": "User", "day": "Day"}


@app.default
def query(
    *,
    by: Annotated[list[wire.CostGroup] | None, Parameter(negative="")] = None,
    use_case: Annotated[str | None, Parameter(name=["--use-case", "-u"])] = None,
    since: str | None = None,
    until: str | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Sum up what answers cost.

    Parameters
    ----------
    by
        use_case (if nothing is said), model, api_key, user or day; more than one by repeating it.
    use_case
        Only that of one use case.
    since
        From this day on, as 2026-11-28, in UTC.
    until
        Up to this day, which is included.
    """
    groups = by or ["use_case"]
    with engine.client() as client:
        found = client.costs.query(groups, use_case, _day(since), _day(until))
    show.answer(engine, found, lambda: picture(found, groups))


@app.command
def prices(*, provider: str | None = None, engine: Engine = DEFAULT) -> None:
    """List the known prices of providers' models, in US dollars per million tokens.

    Parameters
    ----------
    provider
        Only those of one provider, such as open_ai.
    """
    with engine.client() as client:
        found = [each for each in client.costs.prices() if provider in (None, each.provider)]
    rows = [(p.provider, p.model, p.prices.input_per_million, p.prices.output_per_million) for p in found]
    sources = sorted({f"{each.provider}: {each.source}" for each in found})

    def listed() -> RenderableType:
        table = show.table(["Provider", "Model", ">Read", ">Written"], rows, "No prices are known.")
        return Group(table, Text(), Text("\n".join(sources), "dim"))

    show.answer(engine, found, listed)


def picture(found: wire.Costs, groups: list[wire.CostGroup]) -> RenderableType:
    columns = [*(f"~{NAMES[name]}" for name in groups), ">Requests", ">Read", ">Written", ">US $"]
    rows = [[*(_shown(cost, name) for name in groups), *_figures(cost)] for cost in found.costs]
    total = [["all together", *([""] * (len(groups) - 1)), *_figures(found.total)]] if len(rows) > 1 else []
    table = show.table(columns, [*rows, *total], "Nothing was asked yet.")
    if not found.total.unpriced:
        return table
    note = f"{found.total.unpriced} of {found.total.requests} requests have no known cost; they count as nothing."
    return Group(table, Text(), Text(note, "dim"))


def _shown(cost: wire.Cost, name: wire.CostGroup) -> object:
    value = (cost.api_key_name or cost.api_key) if name == "api_key" else getattr(cost, name)
    return None if value is None else str(value)


def _figures(cost: wire.Cost) -> list[object]:
    return [cost.requests, cost.prompt_tokens, cost.completion_tokens, cost.cost_usd]


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)

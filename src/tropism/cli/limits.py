"""`tropism limits`: how much keys, users and use cases may use."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from cyclopts import App, Parameter
from rich.console import RenderableType

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine
from tropism.wire import limits as wire

UseCase: TypeAlias = Annotated[str | None, Parameter(name=["--use-case", "-u"])]

app = App(name="limits", help="How much keys, users and use cases may use.")


@app.command(name="list")
def list_(
    *,
    api_key: str | None = None,
    user: str | None = None,
    use_case: UseCase = None,
    engine: Engine = DEFAULT,
) -> None:
    """List limits with their use so far.

    Parameters
    ----------
    api_key
        Those of this key, by its id.
    user
        Those of this user.
    use_case
        Those of this use case. If nothing is given, all that you may see.
    """
    with engine.client() as client:
        found = client.limits.list(api_key=api_key, user=user, use_case=use_case)
    columns = ["Id", "~For", "Limit", "Used", "Begins anew"]
    rows = [(each.id, _for(each), _what(each), f"{each.used:g}", each.resets_at) for each in found]
    show.answer(engine, found, lambda: show.table(columns, rows, "No limits. `tropism limits set --help`."))


@app.command(name="set")
def set_(
    measure: wire.Measure,
    amount: float,
    period: wire.Period,
    *,
    api_key: str | None = None,
    user: str | None = None,
    use_case: UseCase = None,
    engine: Engine = DEFAULT,
) -> None:
    """Set a limit for one key, user or use case, such as `tropism limits set usd 20 day --use-case support`.

    Parameters
    ----------
    measure
        What is counted: requests, tokens or usd.
    amount
        How many, or for how many US dollars.
    period
        In which time of the clock: minute, day or month.
    api_key
        The key that it holds for, by its id.
    user
        The user that it holds for, with all of their keys.
    use_case
        The use case that it holds for, whoever asks.
    """
    with engine.client() as client:
        made = client.limits.set(measure, amount, period, api_key=api_key, user=user, use_case=use_case)
    show.answer(engine, made, lambda: _picture(made))


@app.command
def remove(limit: str, *, engine: Engine = DEFAULT) -> None:
    """Remove a limit, by its id."""
    with engine.client() as client:
        client.limits.remove(limit)
    show.note("The limit is gone.")


def _picture(limit: wire.Limit) -> RenderableType:
    return show.record(
        {
            "Id": limit.id,
            "For": _for(limit),
            "Limit": _what(limit),
            "Used": limit.used,
            "Left": limit.remaining,
            "Begins anew": limit.resets_at,
        }
    )


def _for(limit: wire.Limit) -> str:
    if limit.use_case is not None:
        return f"use case {limit.use_case}"
    return f"user {limit.user}" if limit.user is not None else f"key {limit.api_key}"


def _what(limit: wire.Limit) -> str:
    return f"{limit.amount:g} {limit.measure} per {limit.period}"

"""`tropism ab`: find the better model from feedback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from tropism.cli import show
from tropism.cli.ab_picture import picture
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.sdk.client import Tropism
from tropism.wire import ab_tests as wire

app = App(name="ab", help="Find the better model from feedback.")


@app.command(name="list")
def list_(
    *,
    use_case: UseCase,
    active: Annotated[bool | None, Parameter(negative="", help="Only those that run.")] = None,
    status: wire.Status | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """List the A/B tests of a use case."""
    with engine.client() as client:
        found = client.ab_tests.list(active, status, use_case=use_case)
    rows = [
        (test.key, test.status, test.models, test.feedback_key, test.report.feedbacks, test.report.winner)
        for test in found
    ]
    columns = ["Key", "Status", "Models", "Feedback", ">Values", "Winner"]
    show.answer(engine, found, lambda: show.table(columns, rows, "No A/B tests. `tropism ab create --help`."))


@app.command
def create(
    key: str,
    feedback_key: str,
    *models: str,
    use_case: UseCase,
    traffic_split: float = 1.0,
    feedback_type: wire.FeedbackType = "metric",
    auto_deploy: Annotated[bool, Parameter(negative="")] = False,
    engine: Engine = DEFAULT,
) -> None:
    """Start an A/B test between models that are attached to the use case.

    Parameters
    ----------
    key
        How the test is called.
    feedback_key
        The feedback that decides; it must be linked to the use case.
    models
        Two or more models.
    traffic_split
        The share of requests that enter the test, from 0 to 1.
    feedback_type
        Whether values or preferences decide.
    auto_deploy
        Make the winner the use case's default.
    """
    with engine.client() as client:
        made = client.ab_tests.create(
            key, feedback_key, models, traffic_split, feedback_type, auto_deploy, use_case=use_case
        )
    show.answer(engine, made, lambda: picture(made))


@app.command
def report(
    key: str,
    *,
    watch: Annotated[bool, Parameter(negative="", help="Show it again and again until the test has ended.")] = False,
    every: Annotated[float, Parameter(help="Seconds between two looks.")] = 2.0,
    engine: Engine = DEFAULT,
) -> None:
    """Show where a test stands. Its figures stay valid however often you look.

    Parameters
    ----------
    key
        The test's key or id.
    """
    with engine.client() as client:
        if not watch:
            found = client.ab_tests.get(key)
            show.answer(engine, found, lambda: picture(found))
        elif engine.json:
            for found in _looks(client, key, every):
                show.write(msgspec.json.encode(found).decode() + "\n")
        else:
            _watch(_looks(client, key, every))


@app.command
def cancel(key: str, *, engine: Engine = DEFAULT) -> None:
    """End a test without a winner. What was logged stays."""
    with engine.client() as client:
        ended = client.ab_tests.cancel(key)
    show.answer(engine, ended, lambda: picture(ended))


def _looks(client: Tropism, key: str, every: float) -> Iterator[wire.ABTest]:
    while True:
        found = client.ab_tests.get(key)
        yield found
        if found.status in ("done", "cancelled"):
            return
        time.sleep(max(every, 0.1))


def _watch(looks: Iterator[wire.ABTest]) -> None:
    from rich.live import Live

    with Live(picture(next(looks)), console=show.console(), auto_refresh=False) as live:
        for found in looks:
            live.update(picture(found), refresh=True)

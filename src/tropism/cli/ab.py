"""`tropism ab`: find the better model from feedback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from tropism.cli import show
from tropism.cli.ab_picture import picture, whole_picture
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.sdk.client import Tropism
from tropism.sdk.errors import TropismError
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
    min_effect: float | None = None,
    max_feedbacks: int = 10_000,
    max_days: float = 90.0,
    guardrail: Annotated[list[str] | None, Parameter(negative="")] = None,
    shadow: float = 0.0,
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
    min_effect
        The smallest difference worth knowing; a test without one so large ends, too.
    max_feedbacks
        End after so many per variant in any case.
    max_days
        End after so many days in any case.
    guardrail
        NAME or NAME:TOLERANCE, what must not get worse than with the default: a linked feedback key, latency_ms,
        cost_usd or error_rate. May be given several times.
    shadow
        For preferences, the share of answers that another variant gives, too, in the background.
    """
    guardrails = [_guardrail(each) for each in guardrail or ()]
    with engine.client() as client:
        made = client.ab_tests.create(
            key,
            feedback_key,
            models,
            traffic_split,
            feedback_type,
            auto_deploy,
            min_effect=min_effect,
            max_feedbacks=max_feedbacks,
            max_days=max_days,
            guardrails=guardrails,
            shadow=shadow,
            use_case=use_case,
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
            show.answer(engine, found, lambda: whole_picture(found, client.ab_tests.history(key)))
        elif engine.json:
            for found in _looks(client, key, every):
                show.write(msgspec.json.encode(found).decode() + "\n")
        else:
            ended = _watch(_looks(client, key, every))
            show.console().print(whole_picture(ended, client.ab_tests.history(key)))


@app.command
def plan(
    effect: float,
    *,
    baseline: float | None = None,
    sd: float | None = None,
    skewness: float = 0.0,
    preference: Annotated[bool, Parameter(negative="")] = False,
    ties: float = 0.0,
    variants: int = 2,
    engine: Engine = DEFAULT,
) -> None:
    """Tell how much feedback a test needs. Nothing is started.

    Parameters
    ----------
    effect
        The difference worth finding, in the key's units; for preferences, the win rate above one half.
    baseline
        Of a bool key: the rate that you have now.
    sd
        Of a scalar key: the standard deviation of its values.
    skewness
        Of a scalar key: how lopsided its values are.
    preference
        Plan a test on preferences.
    ties
        Of preferences: the share of ties.
    variants
        How many models.
    """
    with engine.client() as client:
        found = client.ab_tests.plan(
            effect,
            baseline=baseline,
            sd=sd,
            skewness=skewness,
            ties=ties,
            variants=variants,
            feedback_type="preference" if preference else "metric",
        )
    show.answer(engine, found, lambda: _forecast(found))


@app.command
def simulate(
    *,
    rate: float | None = None,
    mean: float | None = None,
    sd: float = 1.0,
    lognormal: Annotated[bool, Parameter(negative="")] = False,
    preference: Annotated[bool, Parameter(negative="")] = False,
    ties: float = 0.0,
    effect: float = 0.0,
    variants: int = 2,
    tests: int = 500,
    feedbacks: int = 500,
    seed: int = 1,
    json: Annotated[bool, Parameter(name="--json", negative="", show_default=False)] = False,
) -> None:
    """Check on your own rates how often a test names a wrong winner, here and without an engine.

    Every test is looked at after every feedback, by the engine's rule and by a t-test.

    Parameters
    ----------
    rate
        Of a bool key: the rate of every variant.
    mean
        Of a scalar key: the mean of every variant.
    sd
        Of a scalar key: the standard deviation of its values.
    lognormal
        Of a scalar key: lopsided values, most of them small and few of them large, such as times and costs.
    preference
        Simulate preferences.
    ties
        Of preferences: the share of ties.
    effect
        By how much the last variant is better; at 0 all are equal, and every winner is a wrong one.
    variants
        How many models.
    tests
        How many tests. Four times as many halve the uncertainty, shown after ±.
    feedbacks
        End a test after so many per variant.
    seed
        The same seed gives the same figures.
    json
        Print JSON.
    """
    from tropism.cli.ab_trial import run

    if [rate is not None, mean is not None, preference].count(True) != 1:
        raise TropismError("Give one of --rate, --mean and --preference.")
    found = run(
        tests,
        seed,
        rate=rate,
        mean=mean,
        sd=sd,
        lognormal=lognormal,
        ties=ties,
        effect=effect,
        variants=variants,
        feedbacks=feedbacks,
    )
    if json:
        show.print_json(found.scores)
    else:
        show.console().print(found.picture())


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


def _watch(looks: Iterator[wire.ABTest]) -> wire.ABTest:
    """Show each look in the place of the one before; the last one."""
    from rich.live import Live

    found = next(looks)
    with Live(picture(found), console=show.console(), auto_refresh=False, transient=True) as live:
        for found in looks:
            live.update(picture(found), refresh=True)
    return found


def _guardrail(text: str) -> wire.Guardrail:
    metric, _, tolerance = text.partition(":")
    try:
        return wire.Guardrail(metric=metric, tolerance=float(tolerance or 0))
    except ValueError:
        raise TropismError(
            f"{tolerance!r} is no number. Write --guardrail {metric}:0.1, or --guardrail {metric}."
        ) from None


def _forecast(found: wire.Forecast) -> RenderableType:
    rows = [
        ("no figures are shown before", found.warmup),
        ("half of such tests have decided by", found.median),
        ("four in five have decided by", found.for_80_percent),
        ("a sensible --max-feedbacks", found.max_feedbacks),
        ("a test that looks only once, at its end, needs", found.fixed_horizon),
    ]
    made = show.table(["", ">Units per variant"], [(text, f"{value:,}") for text, value in rows], "")
    return Group(made, Text(), Text(show.printable(found.summary), "bold"))

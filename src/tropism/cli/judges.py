"""`tropism judges`: the methods of judging, and how far a judge agrees with people."""

from __future__ import annotations

from cyclopts import App
from rich.console import Group, RenderableType

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.wire.judges import Agreement, Estimate

app = App(name="judges", help="Judges: what they measure, and how far they agree with people.")


@app.command(name="list")
def list_(*, engine: Engine = DEFAULT) -> None:
    """List the methods of judging."""
    with engine.client() as client:
        found = client.judges.list()
    rows = [(each.method, each.description, ", ".join(each.needs), each.calls_per_sample) for each in found]
    show.answer(engine, found, lambda: show.table(["Method", "Measures", "Needs", "Calls per sample"], rows, ""))


@app.command
def agreement(
    judge_key: str,
    human_key: str,
    *,
    threshold: float | None = None,
    human_threshold: float | None = None,
    use_case: UseCase,
    engine: Engine = DEFAULT,
) -> None:
    """Measure how far two feedback keys agree on the same completions, such as a judge's and people's.

    Parameters
    ----------
    judge_key
        The feedback key that the judge logs.
    human_key
        The feedback key that people log.
    threshold
        From which value of the judge's key on an answer is good; 0.5 if not given.
    human_threshold
        The same for the people's key; a scalar one needs it.
    """
    with engine.client() as client:
        found = client.judges.agreement(
            judge_key, human_key, threshold, human_threshold=human_threshold, use_case=use_case
        )
    show.answer(engine, found, lambda: picture(found))


def picture(found: Agreement) -> RenderableType:
    rows = [
        (f"{found.judge_key} good", found.both_good, found.only_judge_good),
        (f"{found.judge_key} bad", found.only_human_good, found.neither_good),
    ]
    counts = show.table(["", f"{found.human_key} good", f"{found.human_key} bad"], rows, "")
    figures = {
        "Completions": found.n,
        "Agreement": _estimate(found.agreement),
        "Kappa": _estimate(found.kappa),
        "Rank correlation": _estimate(found.rank_correlation),
    }
    return Group(found.sentence, "", counts, "", show.record(figures))


def _estimate(estimate: Estimate | None) -> str | None:
    if estimate is None:
        return None
    return f"{estimate.middle:.2f} (95 %: {estimate.start:.2f} to {estimate.end:.2f})"

"""`tropism evaluation`: let a judge score answers, and compare models by the scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.cli.evaluation_picture import estimate_line, estimate_picture, picture, samples_picture
from tropism.cli.job_progress import follow
from tropism.sdk.client import Tropism
from tropism.sdk.errors import TropismError
from tropism.wire import evaluation as wire
from tropism.wire.jobs import JobStatus

app = App(name="evaluation", help="Let a judge score answers.")
NAME = 30
"""How much of a name fits beside an id in 80 columns."""
Several = Annotated[list[str] | None, Parameter(negative="")]


@app.command
def create(
    *,
    use_case: UseCase,
    method: wire.Method | None = None,
    judge: str | None = None,
    model: Several = None,
    dataset: str | None = None,
    completions: wire.Selection | None = None,
    max_samples: int | None = None,
    replay: Annotated[bool, Parameter(negative="")] = False,
    answers_of: Several = None,
    guideline: Several = None,
    feedback_key: str | None = None,
    name: str | None = None,
    config: Path | None = None,
    estimate: Annotated[bool, Parameter(negative="")] = False,
    watch: Annotated[bool, Parameter(negative="")] = False,
    engine: Engine = DEFAULT,
) -> None:
    """Start an evaluation. What it will take is shown first.

    Parameters
    ----------
    method
        How the judge scores answers.
    judge
        The attached model that judges.
    model
        A model that answers the prompts; may be given more than once.
    dataset
        Evaluate the lines of this dataset.
    completions
        Evaluate logged completions: all, so many at random, or the last ones.
    max_samples
        How many completions.
    replay
        Ask the prompts of the completions anew, of each --model.
    answers_of
        Of logged completions that are judged as they are, only those of this model; may be given more than once.
    guideline
        "NAME: what the answer must be like", for the method custom; may be given more than once.
    feedback_key
        The key that scores by guidelines are logged under.
    name
        What people read.
    config
        A JSON file with the fields of the request; options win over it.
    estimate
        Show what it would take, and start nothing.
    watch
        Follow it to its end, then show the report.
    """
    given: dict[str, Any] = {"method": method, "judge_model": judge, "models": model or answers_of, "name": name}
    given |= _source(dataset, completions, max_samples, replay) | _custom(guideline, feedback_key)
    request = _read(config) | {key: value for key, value in given.items() if value is not None}
    _check(request)
    with engine.client() as client:
        _start(client, request, use_case, engine, only_estimate=estimate, watch=watch)


@app.command(name="list")
def list_(*, use_case: UseCase, status: JobStatus | None = None, limit: int = 20, engine: Engine = DEFAULT) -> None:
    """List the evaluations of a use case, newest first."""
    with engine.client() as client:
        found = client.evaluation.jobs.list(status, limit=limit, use_case=use_case)
    rows = [(job.id, job.status, _cut(job.name)) for job in found]
    show.answer(
        engine,
        found,
        lambda: show.table(["Id", "Status", "Name"], rows, "No evaluations. `tropism evaluation create --help`."),
    )


@app.command
def get(job_id: str, *, engine: Engine = DEFAULT) -> None:
    """Show an evaluation, how far it is, and its report."""
    with engine.client() as client:
        found = client.evaluation.jobs.get(job_id)
    show.answer(engine, found, lambda: picture(found, with_facts=True))


@app.command
def report(
    job_id: str,
    *,
    watch: Annotated[bool, Parameter(negative="", help="Follow it to its end first.")] = False,
    engine: Engine = DEFAULT,
) -> None:
    """Show the scores of each model, and the differences between models."""
    with engine.client() as client:
        if watch:
            follow(client, job_id)
        found = client.evaluation.jobs.get(job_id)
    show.answer(engine, found.report, lambda: picture(found))


@app.command
def samples(
    job_id: str,
    *,
    model: str | None = None,
    status: wire.VerdictStatus | None = None,
    min_score: float | None = None,
    max_score: float | None = None,
    first: int = 10,
    after: str | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Show what the judge made of each sample, and why.

    Parameters
    ----------
    model
        Only answers of this model.
    status
        Only verdicts of this kind.
    min_score
        Only scores from here on.
    max_score
        Only scores up to here.
    first
        How many.
    after
        Go on behind this cursor; the page before names it.
    """
    with engine.client() as client:
        found = client.evaluation.jobs.samples(
            job_id, model=model, status=status, min_score=min_score, max_score=max_score, first=first, after=after
        )
    show.answer(engine, found, lambda: samples_picture(found.samples))
    if found.page_info.has_next_page and not engine.json:
        show.note(f"there are more: --after {found.page_info.end_cursor}")


@app.command
def cancel(job_id: str, *, engine: Engine = DEFAULT) -> None:
    """Cancel an evaluation; scores that are logged stay."""
    with engine.client() as client:
        found = client.evaluation.jobs.cancel(job_id)
    show.answer(engine, found, lambda: picture(found, with_facts=True))


def _cut(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _start(
    client: Tropism, request: dict[str, Any], use_case: str, engine: Engine, *, only_estimate: bool, watch: bool
) -> None:
    if only_estimate:
        request.pop("name", None)
        expected = client.evaluation.jobs.estimate(**request, use_case=use_case)
        show.answer(engine, expected, lambda: estimate_picture(expected))
        return
    job = client.evaluation.jobs.create(**request, use_case=use_case)
    if not engine.json:
        show.note(f"{job.id}: {estimate_line(job.estimate)}")
    if not watch:
        show.answer(engine, job, lambda: picture(job, with_facts=True))
        return
    follow(client, str(job.id))
    ended = client.evaluation.jobs.get(job.id)
    show.answer(engine, ended, lambda: picture(ended))
    if ended.status != "COMPLETED":
        raise TropismError(f"The evaluation ended as {ended.status}: {ended.error or 'somebody canceled it'}")


def _source(
    dataset: str | None, completions: wire.Selection | None, max_samples: int | None, replay: bool
) -> dict[str, Any]:
    if dataset is not None and completions is not None:
        raise TropismError("Give one of --dataset and --completions.")
    if dataset is not None:
        return {"data_config": {"datasource": {"dataset": {"dataset": dataset}}}}
    if completions is None:
        return {}
    chosen = {"selection_type": completions, "max_samples": max_samples, "replay_interactions": replay}
    return {"data_config": {"datasource": {"completions": chosen}}}


def _custom(guidelines: list[str] | None, feedback_key: str | None) -> dict[str, Any]:
    if not guidelines:
        return {}
    if feedback_key is None:
        raise TropismError("Guidelines need a --feedback-key to log their scores under.")
    pairs = [each.partition(":") for each in guidelines]
    rules = [{"name": name.strip(), "description": (text or name).strip()} for name, _, text in pairs]
    return {"custom_eval_config": {"guidelines": rules, "feedback_key": feedback_key}}


def _read(config: Path | None) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        return msgspec.json.decode(config.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise TropismError(f"{config} cannot be read: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise TropismError(f"{config} is no JSON object: {error}.") from None


FIELDS = {"data_config", "models", "judge_model", "method", "custom_eval_config", "name", "compute_pool"}
OPTIONS = {"data_config": "--dataset or --completions", "judge_model": "--judge", "method": "--method"}


def _check(request: dict[str, Any]) -> None:
    request.setdefault("models", [])
    if missing := [option for field, option in OPTIONS.items() if field not in request]:
        raise TropismError(f"Give {', '.join(missing)}, or the same in a file with --config.")
    if unknown := sorted(set(request) - FIELDS):
        raise TropismError(f"The file has fields that an evaluation does not take: {', '.join(unknown)}.")

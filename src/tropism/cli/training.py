"""`tropism training`: make better models of interactions, feedback and rewards."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from rich.console import Console

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.cli.training_picture import picture
from tropism.cli.training_progress import follow
from tropism.sdk.client import Tropism
from tropism.sdk.errors import TropismError
from tropism.wire import training as wire
from tropism.wire.evaluation import Selection
from tropism.wire.jobs import JobStatus

app = App(name="training", help="Make better models.")
NAME = 30
"""How much of a name fits beside an id in 80 columns."""


@app.command
def create(
    model: str,
    *,
    use_case: UseCase,
    config: Path | None = None,
    output: str | None = None,
    method: wire.AlignmentMethod = "SFT",
    full_weights: Annotated[bool, Parameter(negative="")] = False,
    metric: str | None = None,
    threshold: float | None = None,
    reward_server: str | None = None,
    dataset: str | None = None,
    completions: Selection | None = None,
    max_samples: int | None = None,
    preferences: Annotated[bool, Parameter(negative="")] = False,
    learning_rate: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    steps: int | None = None,
    kl: float | None = None,
    name: str | None = None,
    watch: Annotated[bool, Parameter(negative="")] = False,
    engine: Engine = DEFAULT,
) -> None:
    """Train a model.

    Parameters
    ----------
    model
        The parent.
    config
        A JSON file with the whole config, in place of all other options but --name and --watch.
    output
        What the child is called.
    method
        How it learns.
    full_weights
        Train all weights rather than an adapter.
    metric
        The feedback key to become better by; without it and --reward-server, completions are imitated.
    threshold
        SFT imitates completions whose value is as good as this.
    reward_server
        The reward server that PPO and GRPO learn from.
    dataset
        Learn from the lines of this dataset.
    completions
        Learn from logged completions: all, so many at random, or the last ones.
    max_samples
        How many completions.
    preferences
        Learn from preferences rather than values.
    learning_rate
        1e-5 unless given; 2e-4 is usual for adapters.
    epochs
        How often each sample is seen.
    batch_size
        Samples per step.
    steps
        How many batches PPO and GRPO write and learn from.
    kl
        What it costs to move away from the parent.
    name
        What people read.
    watch
        Follow it to its end.
    """
    if config is not None:
        wanted = _read(config)
    else:
        given = {"learning_rate": learning_rate, "num_epochs": epochs, "batch_size": batch_size}
        wanted = {
            "output_name": output or f"{model}-{method.lower()}",
            "training_config": {
                "training_metadata": _metadata(method, steps, kl, full_weights=full_weights),
                "training_objective": _objective(metric, threshold, reward_server),
                "base_training_params": {key: value for key, value in given.items() if value is not None},
            },
            "sample_config": {
                "feedback_type": "PREFERENCE" if preferences else "DIRECT",
                "datasource": _source(dataset, completions, max_samples),
            },
        }
    with engine.client() as client:
        made: Any = wanted  # the server judges what a file says
        job = client.training.jobs.create(model, made, name, use_case=use_case)
        if not watch:
            show.answer(engine, job, lambda: picture(job))
            return
        _follow(client, str(job.id), engine)


@app.command(name="list")
def list_(*, use_case: UseCase, status: JobStatus | None = None, limit: int = 20, engine: Engine = DEFAULT) -> None:
    """List the trainings of a use case, newest first."""
    with engine.client() as client:
        found = client.training.jobs.list(status, limit=limit, use_case=use_case)
    rows = [(job.id, job.status, textwrap.shorten(job.name, NAME, placeholder="…")) for job in found]
    show.answer(
        engine,
        found,
        lambda: show.table(["Id", "Status", "Name"], rows, "No trainings. `tropism training create --help`."),
    )


@app.command
def get(job_id: str, *, engine: Engine = DEFAULT) -> None:
    """Show a training: how far it is, its curve, its child."""
    with engine.client() as client:
        found = client.training.jobs.get(job_id)
    show.answer(engine, found, lambda: picture(found))


@app.command
def watch(job_id: str, *, engine: Engine = DEFAULT) -> None:
    """Follow a training to its end, with its curve."""
    with engine.client() as client:
        _follow(client, job_id, engine)


@app.command
def cancel(job_id: str, *, engine: Engine = DEFAULT) -> None:
    """Cancel a training; its last checkpoint is kept."""
    with engine.client() as client:
        found = client.training.jobs.cancel(job_id)
    show.answer(engine, found, lambda: picture(found))


def _follow(client: Tropism, job_id: str, engine: Engine) -> None:
    """Show how it comes further; raise if it does not end well."""
    job = follow(client, job_id, Console(stderr=True, highlight=False))
    show.answer(engine, job, lambda: picture(job))
    if job.status != "COMPLETED":
        raise TropismError(f"The training ended as {job.status}: {job.error or 'somebody canceled it'}")


def _metadata(method: str, steps: int | None, kl: float | None, *, full_weights: bool) -> dict[str, Any]:
    given = {key: value for key, value in (("steps", steps), ("kl_div_coeff", kl)) if value is not None}
    kind = "FULL_WEIGHTS" if full_weights else "PARAMETER_EFFICIENT"
    made: dict[str, Any] = {"alignment_method": method, "training_type": kind}
    if given and method == "SFT":
        raise TropismError("SFT takes no --steps and no --kl.")
    return made | ({"parameters": {method.lower(): given}} if given else {})


def _objective(metric: str | None, threshold: float | None, reward_server: str | None) -> dict[str, Any]:
    if metric is not None and reward_server is not None:
        raise TropismError("Give one of --metric and --reward-server.")
    if reward_server is not None:
        return {"reward_server": {"remote_env": reward_server}}
    if metric is None:
        return {"sft": {}}
    more = {} if threshold is None else {"metric_metadata": {"scalar_metric": {"threshold": threshold}}}
    return {"metric": {"metric_key": metric, **more}}


def _source(dataset: str | None, completions: Selection | None, max_samples: int | None) -> dict[str, Any]:
    if dataset is not None and completions is not None:
        raise TropismError("Give one of --dataset and --completions.")
    if dataset is not None:
        return {"dataset": {"dataset": dataset}}
    return {"completions": {"selection_type": completions or "ALL", "max_samples": max_samples}}


def _read(config: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(config.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise TropismError(f"{config} cannot be read: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise TropismError(f"{config} is no JSON object: {error}.") from None

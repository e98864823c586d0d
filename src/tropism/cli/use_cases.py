"""`tropism use-cases`: the tasks that models are asked to do."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from rich.console import RenderableType

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine
from tropism.wire.models import ModelService
from tropism.wire.use_cases import Redactable, UseCase

app = App(name="use-cases", help="The tasks that models are asked to do.")


@app.command(name="list")
def list_(*, engine: Engine = DEFAULT) -> None:
    """List the use cases that you may see."""
    with engine.client() as client:
        found = client.use_cases.list()
    rows = [(use.key, use.name, _models(use), [key.key for key in use.feedback_keys]) for use in found]
    columns = ["Key", "Name", "Models (* default)", "Feedback"]
    show.answer(engine, found, lambda: show.table(columns, rows, "No use cases. `tropism use-cases create KEY`."))


@app.command
def get(use_case: str, *, engine: Engine = DEFAULT) -> None:
    """Show one use case with its models and feedback keys.

    Parameters
    ----------
    use_case
        Its key or id.
    """
    with engine.client() as client:
        found = client.use_cases.get(use_case)
    show.answer(engine, found, lambda: picture(found))


@app.command
def create(
    key: str,
    *,
    name: str | None = None,
    description: str | None = None,
    team: str | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Create a use case.

    Parameters
    ----------
    key
        A short name: letters, digits, dots, dashes and underscores.
    name
        What people read; the key if not given.
    description
        What the task is.
    team
        Whose it is; your own team if not given.
    """
    with engine.client() as client:
        made = client.use_cases.create(key, name, description, team)
    show.answer(engine, made, lambda: picture(made))


@app.command
def update(
    use_case: str,
    *,
    name: str | None = None,
    description: str | None = None,
    retention_days: int | None = None,
    redact: Annotated[list[Redactable] | None, Parameter(consume_multiple=True, negative="--redact-nothing")] = None,
    cache_seconds: int | None = None,
    cache_answers: int | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Change a use case; what is not given stays as it is.

    Parameters
    ----------
    use_case
        Its key or id.
    name
        What people read.
    description
        What the task is.
    retention_days
        Delete interactions that are older; 0 keeps them for good.
    redact
        What to blot out of interactions before they are stored from now on.
    cache_seconds
        Give an answer again to the same question for so long; 0 has each one made anew.
    cache_answers
        How many answers to keep for that at most.
    """
    with engine.client() as client:
        changed = client.use_cases.update(
            use_case,
            name,
            description,
            retention_days,
            redact,
            cache_seconds=cache_seconds,
            cache_answers=cache_answers,
        )
    show.answer(engine, changed, lambda: picture(changed))


@app.command
def share(use_case: str, team: str, role: str = "viewer", *, engine: Engine = DEFAULT) -> None:
    """Share a use case with another team. Its members get what both this role and their own allow."""
    with engine.client() as client:
        shared = client.use_cases.share(team, role, use_case=use_case)
    show.answer(engine, shared, lambda: picture(shared))


@app.command
def unshare(use_case: str, team: str, *, engine: Engine = DEFAULT) -> None:
    """Take a use case back from a team."""
    with engine.client() as client:
        own = client.use_cases.unshare(team, use_case=use_case)
    show.answer(engine, own, lambda: picture(own))


def picture(use: UseCase) -> RenderableType:
    return show.record(
        {
            "Key": use.key,
            "Name": use.name,
            "Description": use.description,
            "Id": use.id,
            "Team": use.team,
            "Shared with": [f"{share.team} as {share.role}" for share in use.shared_with],
            "Created": use.created_at,
            "Kept for": None if use.retention_days is None else f"{use.retention_days} days",
            "Blotted out": use.redact,
            "Given again": _cache(use),
            "Models": "\n".join(f"{_model(service)} {service.online}" for service in use.model_services),
            "Feedback": "\n".join(f"{key.key} ({key.kind}, {key.scoring_type})" for key in use.feedback_keys),
        }
    )


def _cache(use: UseCase) -> str | None:
    return None if use.cache_seconds is None else f"{use.cache_answers} answers for {use.cache_seconds} s"


def _models(use: UseCase) -> list[str]:
    return [_model(service) for service in use.model_services]


def _model(service: ModelService) -> str:
    return service.model.key + ("*" if service.is_default else "")

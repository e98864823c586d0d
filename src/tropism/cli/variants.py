"""`tropism models add-variant` and what becomes of variants: new versions, and the way back."""

from __future__ import annotations

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine
from tropism.cli.models import app, picture
from tropism.wire.variants import Parameters, Version


@app.command
def add_variant(
    backbone: str,
    key: str,
    *,
    name: str | None = None,
    system_prompt: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Register a model with a system prompt and parameters of its own, on the engine of another.

    Parameters
    ----------
    backbone
        The model that does the work.
    key
        How the variant is called.
    system_prompt
        What it is always told; `{{ name }}` is filled in from each request.
    """
    parameters = Parameters(temperature=temperature, top_p=top_p, max_tokens=max_tokens)
    with engine.client() as client:
        made = client.models.add_variant(backbone, key, name, system_prompt, parameters)
    show.answer(engine, made, lambda: picture(made))


@app.command
def update_variant(
    model: str,
    *,
    system_prompt: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Give a variant another system prompt, other parameters, or both, as its next version.

    Parameters
    ----------
    model
        The variant.
    system_prompt
        What it is always told from now on; an empty one takes it away.
    temperature
        With one of the three parameters given, the others are taken away where they are not given.
    """
    given = Parameters(temperature=temperature, top_p=top_p, max_tokens=max_tokens)
    with engine.client() as client:
        made = client.models.update_variant(model, system_prompt, None if given == Parameters() else given)
    show.answer(engine, made, lambda: picture(made))


@app.command
def versions(model: str, *, engine: Engine = DEFAULT) -> None:
    """List the versions of a variant, the latest first."""
    with engine.client() as client:
        found = client.models.versions(model)
    rows = [(each.version, each.created_at, each.restored, each.system_prompt, _told(each)) for each in found]
    columns = [">Version", "Made", ">Restores", "System prompt", "Parameters"]
    show.answer(engine, found, lambda: show.table(columns, rows, "No versions."))


@app.command
def roll_back(model: str, version: int, *, engine: Engine = DEFAULT) -> None:
    """Go back to an earlier version of a variant, as a new version."""
    with engine.client() as client:
        made = client.models.roll_back(model, version)
    show.answer(engine, made, lambda: picture(made))


def _told(version: Version) -> str | None:
    given = version.parameters
    if given is None:
        return None
    pairs = (("temperature", given.temperature), ("top_p", given.top_p), ("max_tokens", given.max_tokens))
    return ", ".join(f"{name} {value:g}" for name, value in pairs if value is not None)

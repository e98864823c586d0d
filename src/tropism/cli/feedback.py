"""`tropism feedback`: say how good completions are."""

from __future__ import annotations

from cyclopts import App
from rich.console import RenderableType

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.sdk.errors import TropismError
from tropism.wire import feedback as wire

app = App(name="feedback", help="Say how good completions are.")

WORDS = {"true": True, "yes": True, "false": False, "no": False}


@app.command
def keys(*, engine: Engine = DEFAULT) -> None:
    """List the feedback keys."""
    with engine.client() as client:
        found = client.feedback.list_keys()
    rows = [(key.key, key.kind, key.scoring_type, key.name) for key in found]
    columns = ["Key", "Kind", "Scoring", "Name"]
    show.answer(engine, found, lambda: show.table(columns, rows, "No keys. `tropism feedback register-key KEY`."))


@app.command
def register_key(
    key: str,
    *,
    kind: wire.FeedbackKind = "scalar",
    scoring_type: wire.ScoringType = "higher_is_better",
    name: str | None = None,
    description: str | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Register what a number of feedback means.

    Parameters
    ----------
    key
        A short name: letters, digits, dots, dashes and underscores.
    kind
        `bool` takes yes and no, `scalar` any number.
    scoring_type
        Which direction is better.
    """
    with engine.client() as client:
        made = client.feedback.register_key(key, kind, scoring_type, name, description)
    show.answer(engine, made, lambda: _key(made))


@app.command
def link(feedback_key: str, *, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """Let a use case take feedback of this key."""
    with engine.client() as client:
        linked = client.feedback.link(feedback_key, use_case=use_case)
    show.answer(engine, linked, lambda: _key(linked))


@app.command
def unlink(feedback_key: str, *, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """Let a use case take no more feedback of this key. What was logged stays."""
    with engine.client() as client:
        client.feedback.unlink(feedback_key, use_case=use_case)
    show.note(f"{use_case} takes no more feedback of {feedback_key}.")


@app.command
def log(
    value: str,
    completion_id: str,
    feedback_key: str,
    *,
    user: str | None = None,
    details: str | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Log a value for a completion.

    Parameters
    ----------
    value
        A number, or yes or no.
    completion_id
        The completion; `tropism chat` prints it below the answer.
    feedback_key
        What the number means.
    user
        The id of the user who says so; their earlier value is replaced.
    details
        Anything that explains it.
    """
    with engine.client() as client:
        logged = client.feedback.log_metric(_number(value), completion_id, feedback_key, user, details)
    fields = {"Feedback": logged.id, "Key": logged.feedback_key, "Value": logged.value}
    show.answer(engine, logged, lambda: show.record(fields))


@app.command
def prefer(
    feedback_key: str,
    preferred: str,
    other: str,
    *,
    use_case: UseCase,
    tied: wire.Tie | None = None,
    user: str | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Log that one completion is better than another.

    Parameters
    ----------
    feedback_key
        In what it is better.
    preferred
        The id of the better completion.
    other
        The id of the other.
    tied
        Neither is better: both are good, or both are bad.
    user
        The id of the user who says so.
    """
    with engine.client() as client:
        logged = client.feedback.log_preference(feedback_key, preferred, other, user, tied=tied, use_case=use_case)
    fields = {"Comparison": logged.id, "Key": logged.feedback_key, "Preferred": logged.preferred_completion_id}
    fields |= {"Other": logged.other_completion_id, "Tied": logged.tied}
    show.answer(engine, logged, lambda: show.record(fields))


def _key(key: wire.FeedbackKey) -> RenderableType:
    return show.record(
        {
            "Key": key.key,
            "Name": key.name,
            "Id": key.id,
            "Kind": key.kind,
            "Scoring": key.scoring_type,
            "Description": key.description,
        }
    )


def _number(text: str) -> float | bool:
    word = WORDS.get(text.lower())
    if word is not None:
        return word
    try:
        return float(text)
    except ValueError:
        raise TropismError(f"{text!r} is neither a number nor yes or no.") from None

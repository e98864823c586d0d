"""A report in one sentence or two, for people."""

from __future__ import annotations

from collections.abc import Sequence

from tropism.wire import evaluation as wire
from tropism.wire.jobs import JobStatus

UNFINISHED = ("PENDING", "RUNNING")


def summary(status: JobStatus, models: Sequence[wire.ModelScore], comparisons: Sequence[wire.ModelDifference]) -> str:
    """What the figures say, and what they leave out."""
    if not any(model.feedbacks for model in models):
        return "There is no score yet." if status in UNFINISHED else f"No answer was scored{_left_out(models, '; ')}."
    said = [_compared(each) for each in comparisons] or [_alone(model) for model in models if model.score]
    if status in UNFINISHED:
        said.append("The job is not done: these figures will change.")
    elif status != "COMPLETED":
        said.append("The job did not end as it should: these figures are of what was judged by then.")
    if left_out := _left_out(models, "Without a score: "):
        said.append(f"{left_out}.")
    return " ".join(said)


def _compared(found: wire.ModelDifference) -> str:
    gap, pairs = found.difference, f"on {found.pairs} {'sample' if found.pairs == 1 else 'samples'} that both answered"
    mine, other = found.model or "unnamed", found.other or "unnamed"
    between = f"(95 % interval {gap.start:+.2f} to {gap.end:+.2f}, {pairs})"
    match found.verdict:
        case "better":
            return f"{mine} scores {gap.middle:.2f} higher than {other} {between}."
        case "worse":
            return f"{other} scores {-gap.middle:.2f} higher than {mine} {between}."
        case _:
            return f"Between {mine} and {other} the scores tell no difference {between}."


def _alone(model: wire.ModelScore) -> str:
    assert model.score is not None
    who = model.model or "The completions"
    return f"{who}: {model.score.middle:.2f} (95 % interval {model.score.start:.2f} to {model.score.end:.2f})."


def _left_out(models: Sequence[wire.ModelScore], before: str) -> str:
    """How many have no score, behind these words; nothing where none was left out."""
    counts = {
        "abstention": sum(model.abstained for model in models),
        "failure": sum(model.failed for model in models),
    }
    said = [f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items() if count]
    return before + ", ".join(said) if said else ""
